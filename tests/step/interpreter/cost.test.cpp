// SPDX-License-Identifier: MIT
// What the interpreter charges: the bytes and elements it touches, also where the result is small or cut
// short, so that the limits of a Meter bound the time of any text.
#include "run_text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace step;

/// Steps that the text costs.
std::uint64_t steps(const std::string& text) {
  Meter meter;
  const auto got = run_text(text);
  INFO(text << "\n" << got.substr(0, 200));
  REQUIRE_FALSE(got.starts_with("!"));
  return meter.steps();
}

} // namespace

TEST_CASE("text is charged for its bytes by whatever looks at it") {
  for (const std::string expression : {"s.split()",
                                       "s.split('b')",
                                       "s.split(p)",
                                       "s.split(None, 1)",
                                       "s.rsplit()",
                                       "s.rsplit('b', 1)",
                                       "s.splitlines()",
                                       "s.strip()",
                                       "s.lstrip('b')",
                                       "s.rstrip('b')",
                                       "s.strip('a')",
                                       "s.find('b')",
                                       "s.find(p)",
                                       "s.rfind('b')",
                                       "s.rfind(p)",
                                       "s.find('b', -1)",
                                       "s.count('b')",
                                       "s.count(p)",
                                       "s.replace('b', 'c')",
                                       "s.replace(p, '')",
                                       "s.partition('b')",
                                       "s.rpartition('b')",
                                       "s.startswith('b')",
                                       "s.startswith(s)",
                                       "s.endswith('b')",
                                       "'a'.startswith(s)",
                                       "s.startswith(('b', s))",
                                       "s.removeprefix('b')",
                                       "s.removesuffix(s)",
                                       "s.upper()",
                                       "s.lower()",
                                       "s.title()",
                                       "s.capitalize()",
                                       "s.swapcase()",
                                       "s.casefold()",
                                       "s.isdigit()",
                                       "s.isalpha()",
                                       "s.isspace()",
                                       "s.isupper()",
                                       "s.islower()",
                                       "s.istitle()",
                                       "s.isidentifier()",
                                       "s.isascii()",
                                       "s.isprintable()",
                                       "s.ljust(1)",
                                       "s.rjust(1)",
                                       "s.center(1)",
                                       "s.zfill(1)",
                                       "s.expandtabs(1)",
                                       "s.format()",
                                       "s % ()",
                                       "(s + '%s') % 1",
                                       "'%.1s' % s",
                                       "'%.1r' % s",
                                       "'%s' % (s,)",
                                       "f'{s:.1}'",
                                       "f'{s!r:.1}'",
                                       "f'{s!a:.1}'",
                                       "format(s, '.1')",
                                       "'{:.1}'.format(s)",
                                       "'{0!r:.1}'.format(s)",
                                       "str([s])",
                                       "repr(s)",
                                       "ascii(s)",
                                       "''.join([s])",
                                       "s.join('ab')",
                                       "'b' in s",
                                       "p in s",
                                       "s == t",
                                       "s != t",
                                       "s < t",
                                       "s >= t",
                                       "[s] == [t]",
                                       "(s,) < (t,)",
                                       "min(s, t)",
                                       "sorted([t, s])",
                                       "hash_of[s]",
                                       "{s: 1}",
                                       "{s}",
                                       "{(s,): 1}",
                                       "s in {1: 1}",
                                       "{}.get(s)",
                                       "{}.get(((s, 1), 2))",
                                       "{1}.isdisjoint([s])",

                                       "[t].index(s)",
                                       "[t].count(s)",
                                       "s + 'b'",
                                       "s * 1",
                                       "s[::-1]",
                                       "s[1:]",
                                       "s[::2]",
                                       "w[-1]",
                                       "w[1:]",
                                       "w[::-1]",
                                       "w.find('z')",
                                       "int_or_not(s)",
                                       "dict(zip([s], [1]))",
                                       "frozenset([s])",
                                       "[s].remove(t)",
                                       "list(map(str.upper, [s]))",
                                       "[s, t].sort()",
                                       "isinstance(s.strip(), str)",
                                       "f'{s}'",
                                       "f(**{'k': s})[0].strip()"}) {
    const auto setup = [&](const std::string& bytes) {
      return "s = 'a' * " + bytes + "\nt = 'a' * " + bytes + "\np = 'a' * (" + bytes +
             " // 2) + 'b'\nw = 'é' * (" + bytes +
             " // 2)\nhash_of = {s: 1}\nint_or_not = lambda x: x.isdecimal() and int(x)\nf = lambda k: "
             "(k,)\n";
    };
    const auto cost = [&](const std::string& bytes) {
      return steps(setup(bytes) + "x = " + expression + "\n0") - steps(setup(bytes) + "x = 1\n0");
    };
    INFO(expression);
    const auto small = cost("6400"), large = cost("64000");
    // half of it where only a part is read: `w` and `p` have as many bytes or half of them
    CHECK(large - small >= (64000 - 6400) / 2 / Meter::bytes_per_step);
    CHECK(large < 64000 * 4);
  }
}

TEST_CASE("containers are charged for their elements by whatever copies, compares or walks them") {
  const std::string expressions[] = {"a + a",
                                     "a * 2",
                                     "a[1:]",
                                     "a[::2]",
                                     "a[::-1]",
                                     "a.copy()",
                                     "list(a)",
                                     "tuple(a)",
                                     "a == b",
                                     "a < b",
                                     "a.count(-1)",
                                     "-1 in a",
                                     "a.extend(b)",
                                     "a.insert(0, 1)",
                                     "a.pop(0)",
                                     "a.remove(n - 1)",
                                     "a.reverse()",
                                     "a.sort()",
                                     "sorted(a)",
                                     "sum(a)",
                                     "min(a)",
                                     "max(a, key=len_of)",
                                     "any([0] * n)",
                                     "all(a[1:])",
                                     "list(map(len_of, a))",
                                     "list(zip(a, a))",
                                     "list(enumerate(a))",
                                     "list(reversed(a))",
                                     "set(a)",
                                     "frozenset(a)",
                                     "dict.fromkeys(a)",
                                     "d.copy()",
                                     "d == e",
                                     "list(d)",
                                     "list(d.items())",
                                     "list(d.values())",
                                     "d | e",
                                     "d.update(e)",
                                     "set(d) | set(e)",
                                     "d.keys() & e.keys()",
                                     "d.keys() <= e.keys()",
                                     "d.items() == e.items()",
                                     "q | q",
                                     "q & q",
                                     "q - q",
                                     "q ^ q",
                                     "q.union(a)",
                                     "q.issubset(a)",
                                     "q.isdisjoint([-1] * n)",
                                     "q <= q2",
                                     "q == q2",
                                     "hash_of[tuple(a)]",
                                     "{frozenset(a): 1}",
                                     "str(a)",
                                     "f'{a}'",
                                     "'%.1s' % a",
                                     "repr(d)",
                                     "f(*a)",
                                     "[*a]",
                                     "{**d}",
                                     "max(*a)",
                                     "''.join(['x'] * n)",
                                     "range(n).count(1.5)",
                                     "n - 1.5 in range(n)",
                                     "list(range(n))",
                                     "[i for i in a]",
                                     "next((i for i in a if i < 0), 0)",
                                     "next(filter(lambda i: i < 0, a), 0)",
                                     "next(iter(holes))"};
  const std::string statements[] = {"x, *y = a", "a[0:0] = a", "del a[0]", "del a[::2]",      "a += a",
                                    "a *= 2",    "q |= q2",    "d |= e",   "for i in a: pass"};
  const auto check = [](const std::string& statement) {
    const auto setup = [&](const std::string& n) {
      return "n = " + n +
             "\na = list(range(n))\nb = list(range(n))\nd = dict.fromkeys(a, 1)\ne = dict.fromkeys(a, 1)\nq "
             "= set(a)\nq2 = set(b)\n"
             "hash_of = {tuple(a): 1}\nlen_of = lambda x: x\nf = lambda *k: 0\nholes = set(a)\n"
             "for i in a[:-1]: holes.remove(i)\n";
    };
    const auto cost = [&](const std::string& n) {
      return steps(setup(n) + statement + "\n0") - steps(setup(n) + "x = 1\n0");
    };
    INFO(statement);
    CHECK(cost("4000") - cost("400") >= (4000 - 400) / 8);
  };
  for (const auto& e : expressions) check("x = " + e);
  for (const auto& s : statements) check(s);
}

TEST_CASE("searching is linear whatever is searched for") {
  // texts that make a naive search compare almost everything with everything
  for (const std::string expression :
       {"s.find(p)", "s.rfind(q)", "s.count(p)", "s.split(p)", "s.rsplit(q)", "s.replace(p, 'x')",
        "s.partition(p)", "s.rpartition(q)", "p in s", "s.index(p) if p in s else 0"}) {
    const auto text =
        "s = 'a' * 1000000\np = 'a' * 300000 + 'b'\nq = 'b' + 'a' * 300000\nx = " + expression + "\n0";
    INFO(expression);
    CHECK(steps(text) < 400'000);
  }
  CHECK(run_text("s = 'ab' * 50 + 'a' * 30\n(s.find('ab' * 20 + 'aa'), s.rfind('aab'), "
                 "s.count('abababababababababab'), s.find('b' + 'a' * 30))") == "(60, -1, 5, 99)");
}

TEST_CASE("loops over long texts end in the limit of steps") {
  const std::string setups = "s = 'a' * 1000000\np = 'a' * 490000 + 'b'\nt = (s,) * 100\nd = {}\n";
  for (const std::string expression :
       {"s.split()",          "s.split(p)",       "s.find(p)",         "d.get(t)",
        "d.get(s)",           "p in s",           "s == s + ''",       "f'{s:.1}'",
        "s.strip()",          "s.isdigit()",      "s.startswith('b')", "'%.1s' % s",
        "[s].count(p)",       "s.replace(p, '')", "s.count('b')",      "s.rfind('b')",
        "'x'.join((s,))[:1]", "str(t)[:1]",       "repr(s)[:1]",       "hash_it(s)"}) {
    const auto text = setups + "hash_it = lambda x: {x}\nx = [" + expression + " for i in range(10**6)]\n0";
    INFO(expression);
    Meter meter;
    CHECK(run_text(text).starts_with("!" + std::to_string(static_cast<int>(FaultKind::limit)) + " "));
  }
}
