#include "workers/core/template.hpp"

#include <cstddef>
#include <vector>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/mustache.hpp"

namespace switchboard::core {

namespace {

constexpr std::size_t kMaxBytes = 1u << 20;  // of the template and of the output
// Nested sections over long arrays multiply: bounds the time even if nothing is printed.
constexpr std::size_t kMaxSteps = 5'000'000;

bool IsFalse(const JsonValue* value) {
  return value == nullptr || value->IsNull() || value->IsFalse() ||
         (value->IsArray() && value->Empty()) ||
         (value->IsString() && value->GetStringLength() == 0);
}

class Renderer {
 public:
  Renderer(const std::vector<MustacheNode>& nodes, const JsonValue& vars)
      : nodes_(nodes), scopes_{&vars} {}

  std::string Run() {
    Render(0, nodes_.size());
    return std::move(out_);
  }

 private:
  using Kind = MustacheNode::Kind;

  void Render(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      Work(1);
      const MustacheNode& node = nodes_[i];
      switch (node.kind) {
        case Kind::kText:
          Print(node.text);
          break;
        case Kind::kVariable:
          PrintVariable(node.text);
          break;
        case Kind::kSection:
          RenderSection(i, Lookup(node.text));
          i = node.end;
          break;
        case Kind::kInverted:
          if (IsFalse(Lookup(node.text))) Render(i + 1, node.end);
          i = node.end;
          break;
        case Kind::kEnd:
          break;
      }
    }
  }

  // Recurses as deep as sections nest in the template.
  void RenderSection(std::size_t section, const JsonValue* value) {
    if (IsFalse(value)) return;
    if (!value->IsArray()) {
      RenderWithin(section, value);
      return;
    }
    for (const JsonValue& item : value->GetArray()) RenderWithin(section, &item);
  }

  void RenderWithin(std::size_t section, const JsonValue* scope) {
    Work(1);
    scopes_.push_back(scope);
    Render(section + 1, nodes_[section].end);
    scopes_.pop_back();
  }

  void Work(std::size_t steps) {
    steps_ += steps;
    if (steps_ > kMaxSteps) throw LimitExceeded("template takes too many steps");
  }

  void Print(std::string_view text) {
    if (out_.size() + text.size() > kMaxBytes) {
      throw LimitExceeded("template output exceeds " + std::to_string(kMaxBytes) + " bytes");
    }
    out_.append(text);
  }

  void PrintVariable(std::string_view name) {
    const JsonValue* value = Lookup(name);
    if (value == nullptr) throw MissingVariable(name);
    if (value->IsString()) {
      Print(AsString(*value));
    } else if (value->IsBool()) {
      Print(value->GetBool() ? "true" : "false");
    } else if (!value->IsNull()) {
      throw BadArgument("template variable " + Quoted(name) + " is not a single value",
                        "Use a section to walk through an array or object.");
    }
  }

  // The first part of a dotted name is searched from the innermost scope outwards, the others
  // inside it.
  const JsonValue* Lookup(std::string_view name) {
    if (name == ".") return scopes_.back();
    const JsonValue* value = FindInScopes(name.substr(0, name.find('.')));
    while (value != nullptr && name.find('.') != std::string_view::npos) {
      name.remove_prefix(name.find('.') + 1);
      value = Find(*value, name.substr(0, name.find('.')));
    }
    return value;
  }

  const JsonValue* FindInScopes(std::string_view name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      Work((*scope)->IsObject() ? (*scope)->MemberCount() : 1);
      const JsonValue* value = Find(**scope, name);
      if (value != nullptr) return value;
    }
    return nullptr;
  }

  const std::vector<MustacheNode>& nodes_;
  std::vector<const JsonValue*> scopes_;
  std::string out_;
  std::size_t steps_ = 0;
};

}  // namespace

std::string RenderTemplate(std::string_view body, std::string_view vars_json) {
  if (body.size() > kMaxBytes) {
    throw LimitExceeded("template exceeds " + std::to_string(kMaxBytes) + " bytes");
  }
  const std::vector<MustacheNode> nodes = ParseMustache(body);
  const Json vars = ParseJsonKeepingNumbers(vars_json);
  if (!vars.IsObject()) throw BadArgument("template variables must be a JSON object");
  return Renderer(nodes, vars).Run();
}

}  // namespace switchboard::core
