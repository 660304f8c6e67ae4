// SPDX-License-Identifier: MIT
// Task files made to break the loader or the evaluation of a task: each ends in a TaskError that names the
// file and, where one line is to blame, that line; within the limits, which are counted and not timed.
#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <doctest/doctest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

using namespace step;

namespace {

const std::string whole = R"(test_name: t
global: |
  E_value = 3
  ctx[E] = E_value
inputs:
  - name: E0
    dtype: fp32
    dims: [N, M]
    data_gen: torch.rand
  - name: E1
    dtype: Multihot(fp32, E)
    dims: [M]
    min: 0
    max: 2
parameters:
  - name: W0
    dtype: fp32
    dims: [N]
    data_gen: torch.rand
fns:
  - name: Sum
    func_name: fn_sum
    apply: |
      return [state[0] + input[0]]
    init: [0]
    input_dtype: fp32
    output_dtype: fp32
outputs:
  - name: S0
    dtype: fp32
    dims: [N, M]
    data_transform:
      - |
        input_data['E0']
impl: |
  return E0
)";

std::string replaced(std::string_view what, std::string_view by, std::string text = whole) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}
std::string repeated(std::string_view what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

/// What loading and evaluating the text ends with; "" when it is a task after all.
std::string error_of(const std::string& text, std::uint64_t steps = 100'000) {
  try {
    const auto task = std::make_shared<const Task>(read_task(text, "file.yaml", "id"));
    VerifyOptions options;
    options.limits = {.steps = steps, .work = 1'000'000, .elements = 500'000};
    (void)Verifier(task, options).verify("return E0");
    return "";
  } catch (const TaskError& e) {
    const std::string what = e.what();
    CHECK(what.starts_with("file.yaml:"));
    CHECK(what.size() < 1000);
    for (const char c : what) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    return what;
  }
}
/// The line that a message names, or 0.
int line_of(std::string_view message) {
  int line = 0;
  message.remove_prefix(std::string_view("file.yaml:").size());
  std::from_chars(message.data(), message.data() + message.size(), line);
  return line;
}

const std::string least = "(-4611686018427387904*2)", most = "9223372036854775807";

} // namespace

TEST_CASE("task files with a value of the wrong kind for a key are refused, with the line") {
  REQUIRE(error_of(whole).empty());
  // every key of the format, and how its value is written above
  const std::vector<std::pair<std::string, std::string>> keys = {
      {"test_name", " t\n"},
      {"global", " |\n  E_value = 3\n  ctx[E] = E_value\n"},
      {"dtype", " fp32\n"},
      {"dims", " [N, M]\n"},
      {"data_gen", " torch.rand\n"},
      {"min", " 0\n"},
      {"max", " 2\n"},
      {"func_name", " fn_sum\n"},
      {"apply", " |\n      return [state[0] + input[0]]\n"},
      {"init", " [0]\n"},
      {"input_dtype", " fp32\n"},
      {"output_dtype", " fp32\n"},
      {"data_transform", "\n      - |\n        input_data['E0']\n"},
      {"impl", " |\n  return E0\n"}};
  const std::vector<std::string> wrong = {
      " {a: b}",       " {}",      " [[]]",     " [[[1]]]", " [a, {b: c}]",      " &x y",
      " *x",           " !!int 3", " !x y",     " [",       " 'unended",         " \"\\x\"",
      " {a: 1, a: 2}", " \x01",    " \xff\xfe", " \xC3(",   " \"\xED\xA0\x80\"", " ? [a]",
      " 1: 2: 3",      " @x",      " %x",       " \t- x"};
  int cases = 0;
  for (const auto& [key, value] : keys)
    for (const auto& bad : wrong) {
      const auto text = replaced(key + ":" + value, key + ":" + bad + "\n");
      CAPTURE(key);
      CAPTURE(bad);
      const auto message = error_of(text);
      const auto at = text.find(key + ":" + bad);
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      if (key == "impl" && bad == " 'unended") continue; // ends with the file
      REQUIRE(!message.empty());
      CHECK(line_of(message) >= 1);
      if (bad != " [" && bad != " 'unended")                             // what has no end is noticed later
        CHECK(std::abs(line_of(message) - static_cast<int>(line)) <= 6); // its entry begins above
      ++cases;
    }
  CHECK(cases > 250);
}

TEST_CASE("task files with absurd sizes, dims, counts and texts end in an error or within the limits") {
  struct Case {
    std::string name, text, message;
    int line = 0; ///< 0: any
  };
  const auto dims = [](const std::string& d) { return replaced("dims: [N, M]", "dims: [" + d + ", M]"); };
  const auto global = [](const std::string& code) {
    return replaced("  E_value = 3\n  ctx[E] = E_value\n", "  ctx[E] = 3\n" + code);
  };
  const auto apply = [](const std::string& code) {
    return replaced("      return [state[0] + input[0]]\n", code);
  };
  const auto reference = [](const std::string& code) { return replaced("        input_data['E0']\n", code); };
  std::vector<Case> cases = {
      {"least over -1", dims("M*" + least + "//(-1)"), "'dims': a dim cannot be used", 8},
      {"least over -1, constant", dims(least + "//(-1)"), "'dims': a dim cannot be used", 8},
      {"least over a negative symbol", dims("M*" + least + "//(-M)"), "'dims': a dim cannot be used", 8},
      {"product beyond 64 bits", dims("M*" + most + "*2"), "'dims': a dim cannot be used", 8},
      {"sum beyond 64 bits", dims(most + "+" + most), "'dims': a dim cannot be used", 8},
      {"number beyond 64 bits", dims("9223372036854775808*M"), "'dims': '9223372036854775808*M' cannot be read", 8},
      {"number of 4,000 digits", dims(repeated("9", 4000)), "cannot be read", 8},
      {"dim of 5,000 bytes", dims("M" + repeated("+M", 3000)), "longer than 4096 bytes", 8},
      {"overflow at its size", dims("M*" + most), "inputs:", 0},
      {"size beyond memory", dims("1000000*M"), "inputs:", 0},
      {"size 0", dims("M-M"), "'dims': the dim 0", 8},
      {"negative size", dims("M-7"), "inputs: E0 has a dim of size -2", 0},
      {"division by zero", dims("M//0"), "division by zero", 8},
      {"division by a size of zero", dims("M//(M-5)"), "division by zero", 0},
      {"unknown symbol", dims("Q"), "the size of Q is not known", 0},
      {"power", dims("M**64"), "a dim is an integer", 8},
      {"real dim", dims("1.5"), "a dim is an integer", 8},
      {"boolean dim", dims("True"), "a dim is an integer", 8},
      {"call in a dim", dims("f(M)"), "a dim is an integer", 8},
      {"dim above the largest", dims("1000001"), "is not in 1..", 8},
      {"polynomial of many terms", dims(repeated("(M+N+K+D+1)*", 20) + "M"), "grew too large", 8},
      {"polynomial of high degree", dims(repeated("(M//7+1)*", 60) + "M"), "grew too large", 8},
      {"nested floors", dims(repeated("(", 38) + "M" + repeated("//7+N)", 38)), "", 0},
      {"nested brackets", dims(repeated("(", 400) + "M" + repeated(")", 400)), "nested", 8},
      {"100 dims", dims("M" + repeated(", M", 100)), "more than 7 dims", 8},
      {"100,000 dims", dims("M" + repeated(", M", 100'000)), "more than 50000 values", 0},
      {"min beyond", replaced("min: 0", "min: " + most), "'min' must be an integer", 13},
      {"min above 64 bits", replaced("min: 0", "min: 99999999999999999999"), "'min' must be", 13},
      {"min negative", replaced("min: 0", "min: -1"), "'min' must be", 13},
      {"min least", replaced("min: 0", "min: -9223372036854775808"), "'min' must be", 13},
      {"min real", replaced("min: 0", "min: 0.5"), "'min' must be", 13},
      {"min nan", replaced("min: 0", "min: .nan"), "'min' must be", 13},
      {"min empty", replaced("min: 0", "min:"), "lacks the key 'min'", 0},
      {"min hex", replaced("min: 0", "min: 0x1"), "'min' must be", 13},
      {"max above its places", replaced("max: 2", "max: 1000000"), "asks for 1000000 ones", 0},
      {"min above max", replaced("min: 0", "min: 3"), "min > max", 0},
      {"experts beyond memory", replaced("ctx[E] = E_value", "ctx[E] = 1000000"), "inputs:", 0},
      {"init beyond double", replaced("init: [0]", "init: [1e999]"), "", 0},
      {"init nan", replaced("init: [0]", "init: [.nan]"), "'init'", 25},
      {"init a list of lists", replaced("init: [0]", "init: [[0]]"), "'init'", 25},
      {"init of 1,000", replaced("init: [0]", "init: [0" + repeated(", 0", 999) + "]"), "1000 constants", 25},
      {"dtype of 1,000 components",
       replaced("input_dtype: fp32", "input_dtype: [fp32" + repeated(", fp32", 999) + "]"), "longer than 4096", 26},
      {"deep dtype", replaced("input_dtype: fp32", "input_dtype: " + repeated("Buffer(", 100) + "fp32" + repeated(", [D])", 100)),
       "nested", 26},
      {"buffer of buffers", replaced("input_dtype: fp32", "input_dtype: Buffer(Buffer(fp32, [D]), [D])"), "cannot hold a Buffer", 26},
      {"buffer of 13 dims", replaced("    dtype: fp32\n    dims: [N, M]", "    dtype: Buffer(fp32, [D" + repeated(", D", 12) + "])\n    dims: [N, M]"),
       "more than 12 axes", 0},
      {"buffer of unknown size", replaced("output_dtype: fp32", "output_dtype: Buffer(fp32, [Q])"), "the size of Q is not known", 0},
      {"buffer of negative size", replaced("output_dtype: fp32", "output_dtype: Buffer(fp32, [M-100])"), "a dim of size -95", 24},
      {"buffer beyond memory", replaced("output_dtype: fp32", "output_dtype: Buffer(fp32, [1000000*1000000])"), "'output_dtype'", 27},
      {"endless global", global("  while True:\n    pass\n"), "global: more than", 0},
      {"endless recursion in global", global("  def f(x):\n    return f(x)\n  f(1)\n"), "global: nested too deeply", 0},
      {"huge tensor in global", global("  torch.zeros(10**6, 10**6)\n"), "global: ", 0},
      {"huge empty tensor in global", global("  torch.zeros(0, 2**40)\n"), "global: ", 0},
      {"huge text in global", global("  x = 'a' * 10**9\n"), "global: ", 0},
      {"huge list in global", global("  x = [0] * 10**9\n"), "global: ", 0},
      {"least over -1 in global", global("  x = torch.tensor(-2**62*2) // -1\n"), "", 0},
      {"sizes in global", global("  ctx[E] = 2**62\n"), "ctx must map symbols to sizes", 0},
      {"negative size in global", global("  ctx[E] = -1\n"), "ctx must map symbols to sizes", 0},
      {"ctx of texts in global", global("  ctx['E'] = 1\n"), "ctx must map symbols to sizes", 0},
      {"ctx replaced in global", global("  ctx = 3\n"), "", 0},
      {"inputs replaced in global", global("  input_data = 3\n"), "", 0},
      {"10,000 nested lists in global", global("  x = []\n  for i in range(10000):\n    x = [x]\n  str(x)\n"), "", 0},
      {"raising global", global("  raise ValueError\n"), "global", 0},
      {"endless body", apply("      while True:\n        pass\n"), "", 0},
      {"body that returns nothing", apply("      pass\n"), "", 0},
      {"body of a wrong shape", apply("      return [torch.zeros(1000)]\n"), "", 0},
      {"endless reference", reference("        [i for i in range(10**12)]\n"), "data_transform of S0: more than", 0},
      {"reference that is no tensor", reference("        3\n"), "the expected value must be a tensor", 0},
      {"reference of a wrong shape", reference("        torch.zeros(3)\n"), "", 0},
      {"huge reference", reference("        torch.ones(1).expand(2**39)\n"), "data_transform of S0: ", 0},
      {"reference that sorts a huge view", reference("        torch.ones(1).expand(2**39).sort()[0]\n"), "data_transform of S0: ", 0},
      {"reference that multiplies huge views", reference("        torch.ones(1).expand(2**39).dot(torch.ones(1).expand(2**39))\n"), "data_transform of S0: ", 0},
      {"reference that sums a huge view", reference("        torch.ones(1).expand(2**39).sum()\n"), "data_transform of S0: ", 0},
      {"reference with an index out of range", reference("        input_data['E0'][2**62]\n"), "data_transform of S0: ", 0},
      {"reference with the least step", reference("        input_data['E0'][::-2**62*2]\n"), "data_transform of S0: ", 0},
      {"reference without lines", reference(""), "", 0},
      {"snippet of deep brackets", reference("        " + repeated("(", 5000) + "1" + repeated(")", 5000) + "\n"), "nested", 0},
      {"snippet of deep blocks", global("  " + [] {
         std::string out;
         for (int i = 0; i < 300; ++i) out += std::string(static_cast<std::size_t>(i), ' ') + "if 1:\n  ";
         return out + std::string(300, ' ') + "pass\n";
       }()), "nested", 0},
      {"snippet of a long sum", reference("        1" + repeated("+1", 20'000) + "\n"), "", 0},
      {"snippet of long comparisons", reference("        1" + repeated("<1", 20'000) + "\n"), "", 0},
      {"snippet of many nots", reference("        " + repeated("not ", 20'000) + "1\n"), "", 0},
      {"snippet of many minuses", reference("        " + repeated("-", 20'000) + "1\n"), "", 0},
      {"snippet of many subscripts", reference("        a" + repeated("[0]", 20'000) + "\n"), "", 0},
      {"snippet of many lambdas", reference("        " + repeated("lambda:", 20'000) + "1\n"), "", 0},
      {"300 inputs", replaced("inputs:\n", "inputs:\n" + [] {
         std::string out;
         for (int i = 0; i < 300; ++i)
           out += "  - {name: I" + std::to_string(i) + ", dtype: fp32, dims: [M], data_gen: torch.ones}\n";
         return out;
       }()), "more than 256 entries", 0},
      {"300 functions", replaced("fns:\n", "fns:\n" + repeated("  - {name: F, func_name: f, apply: 'return input', input_dtype: fp32, output_dtype: fp32}\n", 300)),
       "more than 256 entries", 0},
      {"60,000 outputs", replaced("outputs:\n", "outputs:\n" + repeated("  - {}\n", 60'000)), "more than 50000 values", 0},
      {"inputs of one name", replaced("name: E1", "name: E0"), "is given twice", 0},
      {"a function named as an input", replaced("func_name: fn_sum", "func_name: E0"), "is given twice", 0},
      {"a name of the language", replaced("name: E0", "name: step"), "has a meaning in the language", 6},
      {"a name of 1,000 letters", replaced("name: E0", "name: " + repeated("a", 1000)), "longer than 100", 6},
      {"a keyword as name", replaced("name: E0", "name: lambda"), "is a Python keyword", 6},
      {"a name with escape codes", replaced("name: E0", "name: \"E\\e[2J\""), "is not an identifier", 6},
      {"a name in other letters", replaced("name: E0", "name: \u0415"), "is not an identifier", 6},
      {"a key twice", whole + "inputs: []\n", "is there twice", 0},
      {"a key twice in an entry", replaced("    dims: [N, M]\n", "    dims: [N, M]\n    dims: [M]\n"), "is there twice", 9},
      {"300 unknown keys", whole + [] {
         std::string out;
         for (int i = 0; i < 300; ++i) out += "k" + std::to_string(i) + ": 1\n";
         return out;
       }(), "too many keys", 0},
      {"500,000 opening brackets", repeated("[", 500'000), "nested more than 32 deep", 1},
      {"500,000 opening braces", repeated("{", 500'000), "", 1},
      {"300,000 dashes in a line", repeated("- ", 300'000), "nested more than 32 deep", 1},
      {"300,000 question marks", repeated("? ", 300'000), "", 1},
      {"nesting by indentation", [] {
         std::string out;
         for (int i = 0; i < 500; ++i) out += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
         return out;
       }(), "nested more than 32 deep", 0},
      {"aliases that multiply", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "anchors", 1},
      {"an alias", "a: *b\n", "not valid YAML", 1},
      {"a merge key", "inputs:\n  <<: {a: b}\n", "'inputs' must be a list", 2},
      {"an anchor on a mapping", "inputs: &x\n  - a: b\n", "anchors", 0},
      {"a tag", "inputs: !!set {a, b}\n", "tag", 1},
      {"another tag", "!<tag:yaml.org,2002:python/object> {}\n", "tag", 1},
      {"a directive", "%YAML 9.9\n---\n" + whole, "", 0},
      {"two documents", whole + "---\n" + whole, "more than one YAML document", 0},
      {"100,000 documents", repeated("---\n", 100'000), "", 0},
      {"only a comment", "# nothing\n", "the file is empty", 0},
      {"nothing", "", "the file is empty", 0},
      {"a list", "- a\n- b\n", "a task is a mapping", 1},
      {"a number", "3\n", "a task is a mapping", 1},
      {"a NUL", replaced("test_name: t", std::string("test_name: t\0t", 14)), "control character", 1},
      {"NULs only", std::string(1000, '\0'), "control character", 1},
      {"an escape", replaced("test_name: t", "test_name: \x1b[2J"), "control character", 1},
      {"a bell", replaced("fp32", "fp32\x07"), "control character", 7},
      {"Latin-1", replaced("test_name: t", "test_name: \xe9"), "not valid UTF-8", 1},
      {"UTF-16", std::string("\xff\xfei\0n\0", 6), "not valid UTF-8", 1},
      {"an overlong code", replaced("test_name: t", "test_name: \xc0\x80"), "not valid UTF-8", 1},
      {"a surrogate", replaced("fn_sum", "\xed\xa0\x80"), "not valid UTF-8", 22},
      {"a code above Unicode", replaced("fn_sum", "\xf5\x80\x80\x80"), "not valid UTF-8", 22},
      {"a code cut off", whole + "\xe2\x82", "not valid UTF-8", 0},
      {"tabs as indentation", "inputs:\n\t- name: E0\n", "not valid YAML", 0},
      {"a quote that never ends", replaced("test_name: t", "test_name: 't"), "not valid YAML", 0},
      {"2 MB", whole + repeated("# comment\n", 200'000), "larger than 1048576 bytes", 0},
      {"one word of 900,000 letters", repeated("a", 900'000), "a task is a mapping", 1},
      {"one key of 900,000 letters", repeated("a", 900'000) + ": 1\n", "", 0},
      {"a block of 900,000 lines", "global: |\n" + repeated("\n", 900'000), "", 0},
      {"a folded scalar of many lines", "global: >\n" + repeated(" a\n", 200'000), "", 0},
      {"a plain scalar of many lines", "global: a\n" + repeated(" a\n", 200'000), "", 0},
      {"a quoted scalar of many lines", "global: \"a\n" + repeated(" a\n", 200'000) + "\"\n", "", 0},
      {"many empty flow entries", "inputs: [" + repeated(",", 100'000) + "]\n", "", 0},
      {"dtype lines by the thousand", repeated("dtype: [Buffer(fp32, [D])]\n", 30'000), "", 0},
      {"windows line ends", [] {
         std::string out;
         for (const char c : whole) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
         return out;
       }(), "", 0},
  };
  int refused = 0;
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto message = error_of(c.text);
    CAPTURE(message);
    refused += message.empty() ? 0 : 1;
    if (!c.message.empty()) {
      CHECK(message.find(c.message) != std::string::npos);
    }
    if (c.line > 0 && !message.empty()) CHECK(line_of(message) == c.line);
  }
  CHECK(cases.size() > 125);
  CHECK(refused > 110);
}

TEST_CASE("what is no regular file is refused as a task file, without waiting for it") {
  namespace fs = std::filesystem;
  const auto folder = fs::temp_directory_path() / ("strata-hostile-" + std::to_string(::getpid()));
  fs::create_directories(folder / "directory.yaml");
  REQUIRE(::mkfifo((folder / "fifo.yaml").c_str(), 0600) == 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "socket.yaml").string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  fs::create_symlink("fifo.yaml", folder / "link.yaml");
  fs::create_symlink("loop.yaml", folder / "loop.yaml");
  fs::create_symlink("/dev/zero", folder / "zero.yaml");
  std::ofstream(folder / "large.yaml") << std::string(largest_file + 1, '#');
  for (const auto* name : {"directory.yaml", "fifo.yaml", "socket.yaml", "link.yaml", "loop.yaml",
                           "zero.yaml", "large.yaml", "absent.yaml"}) {
    CAPTURE(name);
    std::string message;
    try {
      (void)load_task(folder / name);
    } catch (const TaskError& e) {
      message = e.what();
    }
    CHECK(message.starts_with((folder / name).string() + ": "));
  }
  CHECK_THROWS_AS((void)load_tasks(folder), TaskError);
  ::close(socket);
  fs::remove_all(folder);
}
