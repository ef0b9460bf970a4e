#include "workers/core/template_tags.hpp"

#include <optional>
#include <string>
#include <utility>

#include "workers/core/errors.hpp"

namespace switchboard::core {

namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kSpaces = " \t\r\n";
// Some 100,000 pieces. kainjow keeps 140 bytes for each, and the text of every section once more.
constexpr std::size_t kMaxSkeletonBytes = 1u << 20;

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

class Scanner {
 public:
  explicit Scanner(std::string_view body) : body_(body) {}

  TemplateTags Run() {
    for (;;) {
      const std::size_t tag = body_.find(open_, at_);
      if (tag == std::string_view::npos) break;
      ReadTag(tag);
    }
    AddText(at_, body_.size());
    if (!open_sections_.empty()) {
      throw Malformed("section " + Quoted(OpenSectionName()) + " is not closed");
    }
    return std::move(tags_);
  }

 private:
  using Kind = TemplatePiece::Kind;

  struct Tag {
    char sigil;  // one of {&#^/!=> or 0 for a plain variable
    std::string_view name;
    std::size_t begin;  // where it begins and ends in the body
    std::size_t end;
  };

  static Error Malformed(const std::string& what) {
    return BadArgument("malformed template: " + what);
  }

  void AddText(std::size_t begin, std::size_t end) {
    if (begin < end) AddPiece('&', Kind::kText, body_.substr(begin, end - begin));
  }

  void AddPiece(char sigil, Kind kind, std::string_view text) {
    AddToSkeleton(sigil, tags_.pieces.size());
    tags_.pieces.push_back({kind, text});
  }

  void AddToSkeleton(char sigil, std::size_t piece) {
    if (tags_.skeleton.size() > kMaxSkeletonBytes) {
      throw LimitExceeded("template has too many tags");
    }
    tags_.skeleton.append("{{").append(1, sigil).append(std::to_string(piece)).append("}}");
  }

  Tag Locate(std::size_t begin) const {
    const std::size_t inside = begin + open_.size();
    const char first = inside < body_.size() ? body_[inside] : '\0';
    std::string closing(close_);
    // Triple braces exist with the usual delimiters only.
    const bool triple = first == '{' && open_ == "{{" && close_ == "}}";
    if (triple) closing = "}}}";
    if (first == '=') closing = "=" + closing;
    const std::size_t content = inside + (triple || first == '=' ? 1 : 0);
    const std::size_t end = body_.find(closing, content);
    if (end == std::string_view::npos) {
      throw Malformed("tag " + Quoted(body_.substr(begin, 30)) + " is not closed");
    }
    Tag tag{'\0', body_.substr(content, end - content), begin, end + closing.size()};
    if (triple || first == '=') {
      tag.sigil = first;
    } else {
      tag.name = Trim(tag.name);
      TakeSigil(&tag);
    }
    tag.name = Trim(tag.name);
    return tag;
  }

  static void TakeSigil(Tag* tag) {
    const bool has_sigil = !tag->name.empty() &&
                           std::string_view("&#^/!>").find(tag->name[0]) != std::string_view::npos;
    if (!has_sigil) return;
    tag->sigil = tag->name[0];
    tag->name.remove_prefix(1);
  }

  void ReadTag(std::size_t begin) {
    const Tag tag = Locate(begin);
    const bool nameless = tag.name.empty() && tag.sigil != '!';
    if (nameless) throw Malformed("tag without a name " + Quoted(Source(tag)));
    const bool variable = tag.sigil == '\0' || tag.sigil == '{' || tag.sigil == '&';
    const auto line = variable ? std::nullopt : LineAround(tag);
    AddText(at_, line ? line->first : tag.begin);
    at_ = line ? line->second : tag.end;
    Act(tag);
  }

  // The extent of the line when the tag stands alone on it, else nothing.
  std::optional<std::pair<std::size_t, std::size_t>> LineAround(const Tag& tag) const {
    const std::size_t before = body_.substr(0, tag.begin).find_last_not_of(kBlanks);
    const bool first_on_line = before == std::string_view::npos || body_[before] == '\n';
    if (!first_on_line) return std::nullopt;
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t after = body_.find_first_not_of(kBlanks, tag.end);
    if (after == std::string_view::npos) return std::pair{start, body_.size()};
    if (body_.compare(after, 2, "\r\n") == 0) return std::pair{start, after + 2};
    if (body_[after] == '\n') return std::pair{start, after + 1};
    return std::nullopt;
  }

  void Act(const Tag& tag) {
    switch (tag.sigil) {
      case '#':
      case '^':
        OpenSection(tag);
        break;
      case '/':
        CloseSection(tag);
        break;
      case '!':
        break;
      case '=':
        SetDelimiters(tag);
        break;
      case '>':
        throw Malformed("partials are not supported: " + Quoted(Source(tag)));
      default:
        AddPiece('&', Kind::kVariable, tag.name);
    }
  }

  void OpenSection(const Tag& tag) {
    if (open_sections_.size() >= kMaxSectionDepth) {
      throw LimitExceeded("template sections nest deeper than " + std::to_string(kMaxSectionDepth));
    }
    open_sections_.push_back(tags_.pieces.size());
    AddPiece(tag.sigil, Kind::kSection, tag.name);
  }

  std::string_view OpenSectionName() const { return tags_.pieces[open_sections_.back()].text; }

  void CloseSection(const Tag& tag) {
    if (open_sections_.empty() || OpenSectionName() != tag.name) {
      throw Malformed("section " + Quoted(tag.name) + " is closed but not open here");
    }
    AddToSkeleton('/', open_sections_.back());
    open_sections_.pop_back();
  }

  void SetDelimiters(const Tag& tag) {
    const std::size_t gap = tag.name.find_first_of(kSpaces);
    const std::string_view open = tag.name.substr(0, gap);
    const std::string_view close =
        gap == std::string_view::npos ? std::string_view{} : Trim(tag.name.substr(gap));
    const bool bad = open.empty() || close.empty() ||
                     tag.name.find('=') != std::string_view::npos ||
                     close.find_first_of(kSpaces) != std::string_view::npos;
    if (bad) throw Malformed("bad delimiters " + Quoted(Source(tag)));
    open_ = open;
    close_ = close;
  }

  std::string_view Source(const Tag& tag) const {
    return body_.substr(tag.begin, tag.end - tag.begin);
  }

  std::string_view body_;
  std::size_t at_ = 0;
  std::string_view open_ = "{{";
  std::string_view close_ = "}}";
  TemplateTags tags_;
  std::vector<std::size_t> open_sections_;  // their pieces
};

}  // namespace

TemplateTags ScanTemplate(std::string_view body) { return Scanner(body).Run(); }

}  // namespace switchboard::core
