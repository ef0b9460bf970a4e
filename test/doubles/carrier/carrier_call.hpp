// The ledger of calls and messages: what was really dialed and sent. It never forgets.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "test/doubles/carrier/carrier_scheduler.hpp"

namespace switchboard::carrier {

// The other leg of a call: an agent's phone that a Dial rings.
struct AgentLeg {
  std::string id;
  std::string endpoint;
  std::string action;      // who is told how it went
  std::string status_url;  // who is told that it was picked up
  std::optional<WallTime> answered;
};

// A stay in the provider's queue (Twilio): what is heard there, and who is told how it ended.
struct QueueStay {
  std::string wait_url;
  std::string action;
};

enum class CallState { kQueued, kInitiated, kRinging, kAnswered, kEnded };

// Fixed when the call is accepted, so that a seed always gives the same story.
struct CallPlan {
  std::string outcome;  // answered, machine, busy, no-answer, failed
  double ring_s = 0;
  double talk_s = 0;
};

struct Call {
  std::size_t index = 0;
  std::string provider;
  std::string id;
  std::string account;
  std::string to;
  std::string from;
  std::string agent;      // VoIPstudio: the user whose phone rings first
  std::string caller_id;  // VoIPstudio
  std::string reference;  // of the caller's callback address; empty when it carries none
  std::string package;    // what an external call system was told, as it came
  CallPlan plan;

  CallState state = CallState::kQueued;
  std::string status = "queued";  // as Twilio spells it
  std::string answered_by;
  WallTime accepted{};
  std::optional<WallTime> answered;
  std::optional<WallTime> ended;
  int duration_s = 0;  // simulated
  std::string fault;   // what was done to the answer of the request that placed it
  std::vector<std::string> said;
  std::vector<std::string> dialed;
  std::vector<std::string> talked;  // who picked up, of those dialed

  // A call that comes in.
  bool inbound = false;
  bool served = false;  // somebody speaks with the caller, or a message is recorded: no giving up
  std::string key;      // what the caller presses where keys are asked for; empty: nothing

  // What the request asked for (Twilio, Vonage).
  std::string token;
  std::string url;
  std::string url_method = "POST";
  std::string twiml;
  std::string ncco;  // Vonage
  std::string status_callback;
  std::string status_method = "POST";
  std::set<std::string> events;
  std::string machine_detection;
  std::string amd_callback;  // not empty: detection goes on while the call is connected
  bool record = false;
  std::string recording_callback;
  double ring_limit_s = 65;
  int next_sequence = 0;
  int script = 0;      // counts the TwiML documents it was told to follow
  int extensions = 0;  // how often its end was put off
  std::optional<AgentLeg> leg;
  std::optional<QueueStay> queue;
};

struct Message {
  std::size_t index = 0;
  std::string id;
  std::string account;
  std::string token;
  std::string to;
  std::string from;
  std::string service;
  std::string body;
  std::vector<std::string> media;
  std::string reference;
  std::string status_callback;
  std::string status = "queued";
  std::string error_code;
  std::string fault;
  WallTime accepted{};
  bool ended = false;  // no further status is due
};

class Ledger {
 public:
  Call& AddCall(Call call);
  Message& AddMessage(Message message);

  Call* FindCall(const std::string& id);
  Message* FindMessage(const std::string& id);
  // How often that number was dialed before.
  std::size_t TimesDialed(const std::string& to) const;

  // Entries to one number (all when empty), newest first.
  std::vector<Call*> CallsTo(const std::string& to);
  std::vector<Message*> MessagesTo(const std::string& to);

  void CallStarted() { max_live_ = std::max(max_live_, ++live_); }
  void CallEnded() { --live_; }
  std::size_t live() const { return live_; }
  std::size_t max_live() const { return max_live_; }

  // Calls (messages) beyond the first under the same reference.
  std::size_t DuplicateCalls() const { return duplicate_calls_; }
  std::size_t DuplicateMessages() const { return duplicate_messages_; }

  // Forgets everything, by order. Timers still refer to the old entries: these end without a
  // word and stay in memory.
  void Clear();

  const std::deque<Call>& calls() const { return calls_; }
  const std::deque<Message>& messages() const { return messages_; }

 private:
  std::deque<Call> calls_;  // addresses stay valid
  std::deque<Message> messages_;
  std::deque<std::deque<Call>> cleared_calls_;
  std::deque<std::deque<Message>> cleared_messages_;
  std::unordered_map<std::string, Call*> call_by_id_;
  std::unordered_map<std::string, Message*> message_by_id_;
  std::unordered_map<std::string, std::vector<Call*>> calls_to_;
  std::unordered_map<std::string, std::vector<Message*>> messages_to_;
  std::set<std::string> call_references_;
  std::set<std::string> message_references_;
  std::size_t duplicate_calls_ = 0;
  std::size_t duplicate_messages_ = 0;
  std::size_t live_ = 0;
  std::size_t max_live_ = 0;
};

}  // namespace switchboard::carrier
