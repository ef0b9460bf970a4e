// The one list of providers.
#include "workers/providers/omnidimension/omnidimension.hpp"
#include "workers/providers/provider.hpp"
#include "workers/providers/twilio/twilio.hpp"
#include "workers/providers/voipstudio/voipstudio.hpp"
#include "workers/providers/vonage/vonage.hpp"
#include "workers/providers/webhook/webhook.hpp"

namespace switchboard::providers {

const Provider* FindProvider(std::string_view name) {
  static const omnidimension::OmniDimension omnidimension;
  static const twilio::Twilio twilio;
  static const voipstudio::VoipStudio voipstudio;
  static const vonage::Vonage vonage;
  static const webhook::Webhook webhook;
  static const Provider* const all[] = {&omnidimension, &twilio, &voipstudio, &vonage, &webhook};
  for (const Provider* provider : all) {
    if (provider->name() == name) return provider;
  }
  return nullptr;
}

}  // namespace switchboard::providers
