#include "sweeps/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "sweeps/errors.h"
#include "sweeps/scalar.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

constexpr size_t kMaxNodes = 100'000;
constexpr size_t kMaxDepth = 64;

// Builds the tree from yaml-cpp's events. Refuses by throwing yaml-cpp's own
// exception, which ReadYaml catches like those of the parser.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view file_name, bool with_line)
      : file_name_(file_name), with_line_(with_line) {}

  Node TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, anchor, NewNode(mark, Node::Kind::kNull));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw YAML::ParserException(mark, "an alias (*) inside its own anchor");
    }
    Node copy = found->second;
    CountCopy(mark, copy, stack_.size());
    Add(mark, 0, std::move(copy));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& text) override {
    if (tag != "?" && tag != "!" && tag != "") RefuseTag(mark, tag);
    Node node = NewNode(mark, Node::Kind::kScalar);
    node.text = text;
    node.value = tag == "!" ? nlohmann::json(text) : ResolvePlainScalar(text);
    if (node.value.is_null()) node.kind = Node::Kind::kNull;
    if (node.value.is_number_float() &&
        !std::isfinite(node.value.get<double>())) {
      throw YAML::ParserException(mark, text + " is not a finite number");
    }
    Add(mark, anchor, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "") RefuseTag(mark, tag);
    Open(mark, anchor, Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "") RefuseTag(mark, tag);
    Open(mark, anchor, Node::Kind::kMapping);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A sequence or mapping whose end has not come yet.
  struct Frame {
    Node node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    bool has_key = false;  // of a mapping: the next node is a value
    std::string key;
    std::string key_where;
    // Its keys, and whether they are its own or came with a merge (<<).
    std::map<std::string, bool> keys;
  };

  [[noreturn]] static void RefuseTag(const YAML::Mark& mark,
                                     const std::string& tag) {
    throw YAML::ParserException(mark, "the tag " + tag + " is not used here");
  }

  std::string Where(const YAML::Mark& mark) const {
    if (!with_line_) return file_name_;
    return fmt::format("{}:{}:{}", file_name_, mark.line + 1, mark.column + 1);
  }

  Node NewNode(const YAML::Mark& mark, Node::Kind kind) {
    Count(mark, stack_.size());
    Node node;
    node.kind = kind;
    node.where = Where(mark);
    return node;
  }

  void Count(const YAML::Mark& mark, size_t depth) {
    if (++nodes_ > kMaxNodes) {
      throw YAML::ParserException(
          mark, fmt::format("more than {} values, aliases counted", kMaxNodes));
    }
    if (depth > kMaxDepth) {
      throw YAML::ParserException(
          mark, fmt::format("nested more than {} deep", kMaxDepth));
    }
  }

  // An alias is a copy of a tree: each of its nodes counts, and adds depth.
  void CountCopy(const YAML::Mark& mark, const Node& node, size_t depth) {
    Count(mark, depth);
    for (const Node& item : node.items) CountCopy(mark, item, depth + 1);
    for (const Entry& entry : node.entries) {
      CountCopy(mark, entry.value, depth + 1);
    }
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    Node node = NewNode(mark, kind);
    stack_.push_back({std::move(node), mark, anchor});
  }

  void Close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Add(frame.mark, frame.anchor, std::move(frame.node));
  }

  void Add(const YAML::Mark& mark, YAML::anchor_t anchor, Node node) {
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.is_sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      parent.has_key = false;
      AddEntry(mark, parent, std::move(node));
    } else {
      if (!node.is_scalar()) {
        throw YAML::ParserException(mark, "a key must be a name");
      }
      parent.has_key = true;
      parent.key = std::move(node.text);
      parent.key_where = std::move(node.where);
    }
  }

  void AddEntry(const YAML::Mark& mark, Frame& parent, Node value) {
    if (parent.key == "<<") {
      Merge(mark, parent, value);
      return;
    }
    auto [known, is_new] = parent.keys.try_emplace(parent.key, true);
    if (!is_new && known->second) {
      throw YAML::ParserException(
          mark, fmt::format("'{}' is given twice in one mapping", parent.key));
    }
    known->second = true;
    if (!is_new) {  // a mapping's own key wins over a merged one
      Entry* merged = FindEntry(parent.node, parent.key);
      *merged = {parent.key, parent.key_where, std::move(value)};
      return;
    }
    parent.node.entries.push_back(
        {parent.key, parent.key_where, std::move(value)});
  }

  static Entry* FindEntry(Node& node, const std::string& key) {
    auto found =
        std::find_if(node.entries.begin(), node.entries.end(),
                     [&](const Entry& entry) { return entry.key == key; });
    return &*found;
  }

  // <<: *base, or <<: [*first, *second]; what is there already wins.
  void Merge(const YAML::Mark& mark, Frame& parent, const Node& source) {
    std::vector<const Node*> mappings;
    if (!source.is_sequence()) mappings.push_back(&source);
    for (const Node& item : source.items) mappings.push_back(&item);
    for (const Node* mapping : mappings) {
      if (!mapping->is_mapping()) {
        throw YAML::ParserException(mark,
                                    "<< takes a mapping or a list of mappings");
      }
      MergeMapping(parent, *mapping);
    }
  }

  static void MergeMapping(Frame& parent, const Node& source) {
    for (const Entry& entry : source.entries) {
      if (parent.keys.try_emplace(entry.key, false).second) {
        parent.node.entries.push_back(entry);
      }
    }
  }

  std::string file_name_;
  bool with_line_;
  Node root_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
  size_t nodes_ = 0;
};

// Line and column of byte `at`, both from 1.
std::string WhereOfByte(std::string_view text, size_t at,
                        std::string_view file_name) {
  std::string_view before = text.substr(0, at);
  size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  size_t start = before.rfind('\n');
  size_t column = start == std::string_view::npos ? at : at - start - 1;
  return fmt::format("{}:{}:{}", file_name, line, column + 1);
}

// What yaml-cpp would accept or misread silently.
absl::Status CheckText(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxFileBytes) {
    return Invalid(fmt::format("the file has {} bytes", text.size()), file_name,
                   "a sweep file may have 1 MiB; is this the right file?");
  }
  if (!IsUtf8(text)) {
    return Invalid("the file is not UTF-8 text", file_name,
                   "save it as UTF-8; is this the right file?");
  }
  bool at_line_start = true;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\t' && at_line_start) {
      return Invalid("a tab at the start of a line",
                     WhereOfByte(text, i, file_name), "indent with spaces");
    }
    bool is_control = byte < 0x20 || byte == 0x7F;
    if (is_control && byte != '\t' && byte != '\n' && byte != '\r') {
      return Invalid(fmt::format("a control character (0x{:02x})", byte),
                     WhereOfByte(text, i, file_name),
                     "remove it; is this the right file?");
    }
    at_line_start = byte == '\n' || (at_line_start && byte == ' ');
  }
  return absl::OkStatus();
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Node* Node::Find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).Find(key));
}

absl::StatusOr<Node> ReadYaml(std::string_view text, std::string_view file_name,
                              bool with_line) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  DFSWEEP_RETURN_IF_ERROR(CheckText(text, file_name));
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(file_name, with_line);
    if (!parser.HandleNextDocument(builder)) {
      return Invalid("the file is empty", file_name,
                     "write a sweep into it; see docs/sweep-file.md");
    }
    TreeBuilder second(file_name, with_line);
    if (parser.HandleNextDocument(second)) {
      return Invalid("there is more than one YAML document", file_name,
                     "keep one sweep a file: remove the '---' between them");
    }
    return builder.TakeRoot();
  } catch (const YAML::Exception& error) {
    std::string where(file_name);
    if (with_line && !error.mark.is_null()) {
      where = fmt::format("{}:{}:{}", file_name, error.mark.line + 1,
                          error.mark.column + 1);
    }
    return Invalid(fmt::format("not valid YAML: {}", error.msg), where,
                   "correct the YAML there; docs/sweep-file.md has examples");
  }
}

nlohmann::json ToJson(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return nullptr;
    case Node::Kind::kScalar:
      return node.value;
    case Node::Kind::kSequence: {
      auto list = nlohmann::json::array();
      for (const Node& item : node.items) list.push_back(ToJson(item));
      return list;
    }
    case Node::Kind::kMapping: {
      auto object = nlohmann::json::object();
      for (const Entry& entry : node.entries) {
        object[entry.key] = ToJson(entry.value);
      }
      return object;
    }
  }
  return nullptr;
}

std::string Describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "'" + node.text + "'";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
  }
  return "";
}

}  // namespace dfsweep::sweeps
