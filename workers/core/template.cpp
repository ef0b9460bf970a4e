// kainjow-mustache renders. It cannot do what is done around it here:
// - tell an absent variable from an empty one, or the use of a variable from the test of a section;
// - bound the depth of its recursion, the size of what it prints and the time it takes;
// - keep to the specification with lines that hold a tag alone (it leaves a blank line for a
//   section that is skipped, and takes away lines where a section is empty).
// Therefore it is given the skeleton of the template only (template_tags.hpp), which is valid and
// of bounded depth, and asks the context below for the text or variable behind each number. It
// parses nothing that a user wrote: its assert (in set delimiter tags) is out of reach.

#include "workers/core/template.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <kainjow/mustache.hpp>
#include <vector>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/template_tags.hpp"

namespace switchboard::core {

namespace {

namespace mustache = kainjow::mustache;

constexpr std::size_t kMaxBytes = 1u << 20;  // of the template and of the output
// Nested sections over long arrays multiply: bounds the time even if nothing is printed.
constexpr std::size_t kMaxSteps = 5'000'000;
// kainjow walks a list of its own, 48 bytes an item and copied once: no more than 100 MB of them.
constexpr std::size_t kStepsPerItem = 5;

bool IsFalse(const JsonValue* value) {
  return value == nullptr || value->IsNull() || value->IsFalse() ||
         (value->IsArray() && value->Empty()) ||
         (value->IsString() && value->GetStringLength() == 0);
}

// Answers kainjow's questions. What get() returns is read before the next question, but for the
// list of a section, which lives until the section ends.
class Context final : public mustache::basic_context<std::string> {
 public:
  Context(const std::vector<TemplatePiece>& pieces, const JsonValue& vars)
      : pieces_(pieces), scopes_{&vars} {}

  const mustache::data* get(const std::string& number) const override {
    Work(1);
    std::size_t index = 0;
    std::from_chars(number.data(), number.data() + number.size(), index);
    const TemplatePiece& piece = pieces_.at(index);
    switch (piece.kind) {
      case TemplatePiece::Kind::kText:
        return Print(piece.text);
      case TemplatePiece::Kind::kVariable:
        return PrintVariable(piece.text);
      case TemplatePiece::Kind::kSection:
        break;
    }
    return EnterSection(piece.text);
  }

  const mustache::data* get_partial(const std::string&) const override { return nullptr; }

  // Called for every item of a list, else once. What it is in kainjow's eyes does not matter.
  void push(const mustache::data*) override {
    Section& section = sections_.at(scopes_.size());
    scopes_.push_back(section.value->IsArray() ? &(*section.value)[section.next_item++]
                                               : section.value);
  }

  void pop() override { scopes_.pop_back(); }

 private:
  struct Section {
    const JsonValue* value = nullptr;
    rapidjson::SizeType next_item = 0;
    mustache::data shown{true};  // true, or a list of as many items
  };

  void Work(std::size_t steps) const {
    steps_ += steps;
    if (steps_ > kMaxSteps) throw LimitExceeded("template takes too many steps");
  }

  const mustache::data* Print(std::string_view text) const {
    bytes_ += text.size();
    if (bytes_ > kMaxBytes) {
      throw LimitExceeded("template output exceeds " + std::to_string(kMaxBytes) + " bytes");
    }
    printed_ = mustache::data(std::string(text));
    return &printed_;
  }

  const mustache::data* PrintVariable(std::string_view name) const {
    const JsonValue* value = Lookup(name);
    if (value == nullptr) throw MissingVariable(name);
    if (value->IsString()) return Print(AsString(*value));
    if (value->IsBool()) return Print(value->GetBool() ? "true" : "false");
    if (value->IsNull()) return nullptr;
    throw BadArgument("template variable " + Quoted(name) + " is not a single value",
                      "Use a section to walk through an array or object.");
  }

  // Null when the section is to be skipped, and an inverted one to be rendered.
  const mustache::data* EnterSection(std::string_view name) const {
    const JsonValue* value = Lookup(name);
    if (IsFalse(value)) return nullptr;
    if (value->IsArray()) Work(kStepsPerItem * value->Size());
    Section& section = sections_.at(scopes_.size());
    section.value = value;
    section.next_item = 0;
    section.shown = value->IsArray()
                        ? mustache::data(mustache::list(value->Size(), mustache::data(true)))
                        : mustache::data(true);
    return &section.shown;
  }

  // The first part of a dotted name is searched from the innermost scope outwards, the others
  // inside it. (kainjow's own context would go on to an outer scope that has the whole name.)
  const JsonValue* Lookup(std::string_view name) const {
    if (name == ".") return scopes_.back();
    const JsonValue* value = FindInScopes(name.substr(0, name.find('.')));
    while (value != nullptr && name.find('.') != std::string_view::npos) {
      name.remove_prefix(name.find('.') + 1);
      value = Find(*value, name.substr(0, name.find('.')));
    }
    return value;
  }

  const JsonValue* FindInScopes(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      Work((*scope)->IsObject() ? (*scope)->MemberCount() : 1);
      const JsonValue* value = Find(**scope, name);
      if (value != nullptr) return value;
    }
    return nullptr;
  }

  const std::vector<TemplatePiece>& pieces_;
  std::vector<const JsonValue*> scopes_;
  // kainjow asks through a const function: what answering takes is mutable.
  // A section that is being rendered has its place at the number of scopes around it.
  mutable std::array<Section, kMaxSectionDepth + 1> sections_;
  mutable mustache::data printed_{true};
  mutable std::size_t bytes_ = 0;
  mutable std::size_t steps_ = 0;
};

}  // namespace

// The pieces are views into the body, which therefore stays where it is.
struct Template::Parsed {
  std::string body;
  TemplateTags tags;
  mustache::mustache engine;

  explicit Parsed(std::string_view text)
      // A line of blanks with a section in it is not printed; the dot keeps it, and goes again.
      : body(text), tags(ScanTemplate(body)), engine("." + tags.skeleton) {}
};

Template::Template(std::string_view body) {
  if (body.size() > kMaxBytes) {
    throw LimitExceeded("template exceeds " + std::to_string(kMaxBytes) + " bytes");
  }
  parsed_ = std::make_unique<Parsed>(body);
  if (!parsed_->engine.is_valid()) {
    throw BadArgument("malformed template: " + parsed_->engine.error_message());
  }
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::Render(std::string_view vars_json) const {
  const Json vars = ParseJsonKeepingNumbers(vars_json);
  if (!vars.IsObject()) throw BadArgument("template variables must be a JSON object");
  Context context(parsed_->tags.pieces, vars);
  return parsed_->engine.render(context).substr(1);
}

std::string RenderTemplate(std::string_view body, std::string_view vars_json) {
  return Template(body).Render(vars_json);
}

}  // namespace switchboard::core
