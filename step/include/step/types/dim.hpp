// SPDX-License-Identifier: MIT
// Symbolic sizes of streams and buffers: polynomials with integer coefficients over symbols (M, N, ..) and
// floor divisions, kept in a normal form so that `N*K == K*N`. The common cases, a constant and one symbol,
// cost no allocation.
#pragma once

#include "step/meter.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step {

/// An interned symbol. Ids below `fresh_base` have a name; the others number the unknown sizes that Partition
/// makes.
struct Symbol {
  static constexpr std::uint32_t fresh_base = 0x8000'0000U;
  std::uint32_t id = 0;

  /// The symbol of that name; thread-safe. The table only grows, by the distinct names that task files use.
  static Symbol named(std::string_view name) {
    auto& t = table();
    {
      std::shared_lock lock(t.mutex);
      if (auto it = t.ids.find(std::string(name)); it != t.ids.end()) return {it->second};
    }
    std::unique_lock lock(t.mutex);
    auto [it, added] = t.ids.emplace(std::string(name), static_cast<std::uint32_t>(t.names.size()));
    if (added) t.names.emplace_back(name);
    return {it->second};
  }
  static Symbol fresh(std::uint32_t number) { return {fresh_base + number}; }
  [[nodiscard]] bool is_fresh() const { return id >= fresh_base; }
  [[nodiscard]] std::string name() const {
    if (is_fresh()) return "P" + std::to_string(id - fresh_base);
    auto& t = table();
    std::shared_lock lock(t.mutex);
    return t.names[id];
  }
  friend auto operator<=>(Symbol, Symbol) = default;

 private:
  struct Table {
    std::shared_mutex mutex;
    std::unordered_map<std::string, std::uint32_t> ids;
    std::vector<std::string> names;
  };
  static Table& table() {
    static Table t;
    return t;
  }
};

/// What the symbols of one evaluation are worth.
class Bindings {
 public:
  void set(Symbol s, std::int64_t value) {
    if (s.is_fresh()) { // there may be thousands, numbered from 0
      const std::size_t number = s.id - Symbol::fresh_base;
      if (number >= fresh_.size()) fresh_.resize(number + 1);
      fresh_[number] = value;
      return;
    }
    for (auto& [symbol, v] : values_)
      if (symbol == s) {
        v = value;
        return;
      }
    values_.emplace_back(s, value);
  }
  [[nodiscard]] std::optional<std::int64_t> find(Symbol s) const {
    if (s.is_fresh()) {
      const std::size_t number = s.id - Symbol::fresh_base;
      return number < fresh_.size() ? fresh_[number] : std::nullopt;
    }
    for (const auto& [symbol, v] : values_)
      if (symbol == s) return v;
    return std::nullopt;
  }
  /// Those that have a name.
  [[nodiscard]] std::span<const std::pair<Symbol, std::int64_t>> all() const { return values_; }

 private:
  std::vector<std::pair<Symbol, std::int64_t>> values_;
  std::vector<std::optional<std::int64_t>> fresh_; ///< by number
};

/// A symbolic size. Arithmetic throws Fault{limit} when it overflows or grows beyond
/// `max_terms` terms or `max_weight` symbols. What is done with large sizes is charged to the Meter as steps.
class Dim {
 public:
  static constexpr std::size_t max_terms = 64, max_factors = 32, max_weight = 4096;
  static constexpr std::size_t max_text = 4096; ///< characters

  Dim() = default;
  /*implicit*/ Dim(std::int64_t constant) : value_(constant) {}
  /*implicit*/ Dim(Symbol symbol) : form_(Form::symbol), value_(symbol.id) {}

  [[nodiscard]] bool is_constant() const { return form_ == Form::constant; }
  [[nodiscard]] std::int64_t constant() const { return value_; } ///< requires is_constant()
  /// The symbol, when the dim is just one.
  [[nodiscard]] std::optional<Symbol> symbol() const {
    return form_ == Form::symbol ? std::optional(Symbol{static_cast<std::uint32_t>(value_)}) : std::nullopt;
  }

  friend bool operator==(const Dim& a, const Dim& b) { return compare(a, b) == 0; }

  friend Dim operator+(const Dim& a, const Dim& b) {
    if (a.is_constant() && b.is_constant()) return add_checked(a.value_, b.value_);
    auto terms = a.terms();
    for (auto& t : b.terms()) terms.push_back(std::move(t));
    return from_terms(std::move(terms));
  }
  friend Dim operator-(const Dim& a) { return a * Dim(-1); }
  friend Dim operator-(const Dim& a, const Dim& b) { return a + -b; }
  friend Dim operator*(const Dim& a, const Dim& b) {
    if (a.is_constant() && b.is_constant()) return multiply_checked(a.value_, b.value_);
    if (a.is_constant() && a.value_ == 1) return b;
    if (b.is_constant() && b.value_ == 1) return a;
    std::vector<Term> terms;
    const auto ta = a.terms(), tb = b.terms();
    if (ta.size() * tb.size() > max_terms * 4) too_large();
    for (const auto& x : ta)
      for (const auto& y : tb) terms.push_back(x.times(y));
    return from_terms(std::move(terms));
  }
  /// Floor division; exact polynomial division by a single term where it works out, else a floor atom.
  /// Division by the constant 0 is Fault{type}.
  friend Dim floor_divide(const Dim& a, const Dim& b) {
    if (b.is_constant() && b.value_ == 0) throw Fault(FaultKind::type, "integer division by zero");
    if (a.is_constant() && b.is_constant()) {
      if (b.value_ == -1) return multiply_checked(a.value_, -1);
      const auto q = a.value_ / b.value_;
      return a.value_ % b.value_ != 0 && (a.value_ < 0) != (b.value_ < 0) ? q - 1 : q;
    }
    if (a == b) return 1;
    const auto divisor = b.terms();
    if (divisor.size() == 1) {
      auto terms = a.terms();
      if (std::all_of(terms.begin(), terms.end(), [&](Term& t) { return t.divide(divisor[0]); }))
        return from_terms(std::move(terms));
    }
    return floor_atom(a, b);
  }
  /// The exact quotient, or nothing when b does not divide a symbolically.
  [[nodiscard]] friend std::optional<Dim> exact_divide(const Dim& a, const Dim& b) {
    if (b.is_constant() && b.value_ == 0) return std::nullopt;
    auto q = floor_divide(a, b);
    if (q * b == a) return q;
    return std::nullopt;
  }
  [[nodiscard]] Dim power(std::int64_t exponent) const {
    if (exponent < 0) throw Fault(FaultKind::type, "a size cannot be raised to a negative power");
    if (is_constant() && (value_ == 0 || value_ == 1)) return exponent == 0 ? Dim(1) : *this;
    if (is_constant() && value_ == -1) return exponent % 2 == 0 ? 1 : -1;
    if (exponent > 64) too_large();
    Dim result(1);
    for (; exponent > 0; --exponent) result = result * *this;
    return result;
  }

  /// The size under these bindings. Fault{type} names a symbol that is not bound.
  [[nodiscard]] std::int64_t evaluate(const Bindings& bindings) const {
    if (is_constant()) return value_;
    if (form_ == Form::symbol) return lookup(Symbol{static_cast<std::uint32_t>(value_)}, bindings);
    charge(poly_->weight);
    std::int64_t sum = 0;
    for (const auto& t : poly_->terms) {
      auto product = t.coefficient;
      for (const auto& f : t.factors) product = multiply_checked(product, f.evaluate(bindings)).value_;
      sum = add_checked(sum, product).value_;
    }
    return sum;
  }
  /// True when every symbol in it is bound.
  [[nodiscard]] bool is_bound(const Bindings& bindings) const {
    if (is_constant()) return true;
    if (form_ == Form::symbol) return bindings.find(Symbol{static_cast<std::uint32_t>(value_)}).has_value();
    charge(poly_->weight);
    for (const auto& t : poly_->terms)
      for (const auto& f : t.factors)
        if (!f.is_bound(bindings)) return false;
    return true;
  }

  /// As a person would write it: `N*K`, `2*D + 1`, `D//4`. Fault{limit} for more than max_text characters.
  [[nodiscard]] std::string text() const {
    if (is_constant()) return std::to_string(value_);
    if (form_ == Form::symbol) return Symbol{static_cast<std::uint32_t>(value_)}.name();
    // by name, so that a message does not depend on the order in which symbols were interned
    struct Printed {
      std::size_t degree;
      std::string factors;
      std::int64_t coefficient;
    };
    std::vector<Printed> printed;
    for (const auto& t : poly_->terms) {
      std::vector<std::string> factors;
      std::size_t length = 0;
      for (const auto& f : t.factors) length = add_text(length, factors.emplace_back(f.text()).size() + 1);
      std::sort(factors.begin(), factors.end());
      std::string joined;
      for (const auto& f : factors) joined += (joined.empty() ? "" : "*") + f;
      printed.push_back({factors.size(), std::move(joined), t.coefficient});
    }
    std::sort(printed.begin(), printed.end(), [](const Printed& a, const Printed& b) {
      return a.degree != b.degree ? a.degree > b.degree : a.factors < b.factors;
    });
    std::string out;
    for (const auto& t : printed) {
      const auto c = std::to_string(t.coefficient);
      const auto absolute = t.coefficient < 0 ? c.substr(1) : c;
      const auto term = t.factors.empty() ? absolute
                        : absolute == "1" ? t.factors
                                          : absolute + "*" + t.factors;
      if (out.empty())
        out = (t.coefficient < 0 ? "-" : "") + term;
      else
        out += (t.coefficient < 0 ? " - " : " + ") + term;
      add_text(out.size(), 0);
    }
    Meter::current().bytes(4 * out.size());
    return out;
  }

 private:
  enum class Form : std::uint8_t { constant, symbol, polynomial };
  struct Quotient;
  struct Atom {
    std::uint32_t symbol = 0;
    std::shared_ptr<const Quotient> quotient;
    [[nodiscard]] std::int64_t evaluate(const Bindings& b) const;
    [[nodiscard]] bool is_bound(const Bindings& b) const;
    [[nodiscard]] std::string text() const;
  };
  struct Term {
    std::int64_t coefficient = 1;
    std::vector<Atom> factors; // sorted

    [[nodiscard]] Term times(const Term& b) const {
      Term r;
      r.coefficient = multiply_checked(coefficient, b.coefficient).value_;
      r.factors = factors;
      r.factors.insert(r.factors.end(), b.factors.begin(), b.factors.end());
      if (r.factors.size() > max_factors) too_large();
      return r;
    }
    [[nodiscard]] std::size_t weight() const; // atoms in it, nested ones included
    bool divide(const Term& by) {             // in place; false leaves an unspecified value
      if (by.coefficient == 0) return false;
      if (by.coefficient == -1) { // the one quotient that may overflow
        coefficient = multiply_checked(coefficient, -1).value_;
      } else {
        if (coefficient % by.coefficient != 0) return false;
        coefficient /= by.coefficient;
      }
      for (const auto& f : by.factors) {
        auto it =
            std::find_if(factors.begin(), factors.end(), [&](const Atom& a) { return compare(a, f) == 0; });
        if (it == factors.end()) return false;
        factors.erase(it);
      }
      return true;
    }
  };
  struct Polynomial {
    std::vector<Term> terms; // sorted, no zero coefficients, no equal factor lists
    std::size_t weight = 0;  // of all terms
  };

  static Dim floor_atom(const Dim& dividend, const Dim& divisor);
  [[noreturn]] static void too_large() { throw Fault(FaultKind::limit, "a symbolic size grew too large"); }
  /// Going through `weight` symbols once.
  static void charge(std::size_t weight) {
    if (weight >= 32) Meter::current().step(weight / 32);
  }
  static std::size_t add_text(std::size_t length, std::size_t more) {
    if (length + more > max_text)
      throw Fault(FaultKind::limit,
                  "the text of a symbolic size is longer than " + std::to_string(max_text) + " characters");
    return length + more;
  }
  static Dim add_checked(std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    if (__builtin_add_overflow(a, b, &r)) too_large();
    return r;
  }
  static Dim multiply_checked(std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    if (__builtin_mul_overflow(a, b, &r)) too_large();
    return r;
  }
  static std::int64_t lookup(Symbol s, const Bindings& bindings) {
    if (auto v = bindings.find(s)) return *v;
    throw Fault(FaultKind::type, "the size of " + s.name() + " is not known");
  }
  static int compare(const Atom& a, const Atom& b);
  static int compare(const std::vector<Atom>& a, const std::vector<Atom>& b) {
    if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1; // higher degree first
    for (std::size_t i = 0; i < a.size(); ++i)
      if (int c = compare(a[i], b[i]); c != 0) return c;
    return 0;
  }
  static int compare(const Dim& a, const Dim& b) {
    if (a.form_ != b.form_) return a.form_ < b.form_ ? -1 : 1;
    if (a.form_ != Form::polynomial) return a.value_ < b.value_ ? -1 : a.value_ > b.value_;
    if (a.poly_ == b.poly_) return 0;
    charge(std::min(a.poly_->weight, b.poly_->weight));
    const auto &x = a.poly_->terms, &y = b.poly_->terms;
    if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (int c = compare(x[i].factors, y[i].factors); c != 0) return c;
      if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
    }
    return 0;
  }
  [[nodiscard]] std::vector<Term> terms() const {
    if (form_ == Form::polynomial) return poly_->terms;
    if (is_constant()) {
      if (value_ == 0) return {};
      Term t;
      t.coefficient = value_;
      return {t};
    }
    Term t;
    t.factors.push_back(Atom{static_cast<std::uint32_t>(value_), nullptr});
    return {t};
  }
  static Dim from_terms(std::vector<Term> terms) {
    std::size_t all = 0;
    for (const auto& t : terms) all += t.weight();
    charge(all * 4); // sorting compares each several times
    for (auto& t : terms)
      std::sort(t.factors.begin(), t.factors.end(),
                [](const Atom& a, const Atom& b) { return compare(a, b) < 0; });
    std::sort(terms.begin(), terms.end(),
              [](const Term& a, const Term& b) { return compare(a.factors, b.factors) < 0; });
    std::vector<Term> merged;
    for (auto& t : terms) {
      if (!merged.empty() && compare(merged.back().factors, t.factors) == 0)
        merged.back().coefficient = add_checked(merged.back().coefficient, t.coefficient).value_;
      else
        merged.push_back(std::move(t));
    }
    std::erase_if(merged, [](const Term& t) { return t.coefficient == 0; });
    if (merged.empty()) return 0;
    std::size_t weight = 0;
    for (const auto& t : merged) weight += t.weight();
    if (merged.size() > max_terms || weight > max_weight) too_large();
    if (merged.size() == 1) {
      const auto& t = merged[0];
      if (t.factors.empty()) return t.coefficient;
      if (t.coefficient == 1 && t.factors.size() == 1 && !t.factors[0].quotient)
        return Symbol{t.factors[0].symbol};
    }
    Dim d;
    d.form_ = Form::polynomial;
    d.poly_ = std::make_shared<const Polynomial>(Polynomial{std::move(merged), weight});
    return d;
  }

  Form form_ = Form::constant;
  std::int64_t value_ = 0;
  std::shared_ptr<const Polynomial> poly_;
};

// also found where no argument is a Dim yet
Dim floor_divide(const Dim& a, const Dim& b);
std::optional<Dim> exact_divide(const Dim& a, const Dim& b);

struct Dim::Quotient {
  Dim dividend, divisor;
  std::size_t weight = 1;
};

inline std::size_t Dim::Term::weight() const {
  std::size_t sum = 1;
  for (const auto& f : factors) sum += f.quotient ? f.quotient->weight : 1;
  return sum;
}

inline Dim Dim::floor_atom(const Dim& dividend, const Dim& divisor) {
  std::size_t weight = 1;
  for (const auto* part : {&dividend, &divisor})
    for (const auto& t : part->terms()) weight += t.weight();
  if (weight > max_weight) too_large();
  Term t;
  t.factors.push_back(Atom{0, std::make_shared<const Quotient>(Quotient{dividend, divisor, weight})});
  return from_terms({std::move(t)});
}

inline int Dim::compare(const Atom& a, const Atom& b) {
  if (!a.quotient != !b.quotient) return a.quotient ? 1 : -1;
  if (!a.quotient) return a.symbol < b.symbol ? -1 : a.symbol > b.symbol;
  if (a.quotient == b.quotient) return 0;
  if (int c = compare(a.quotient->dividend, b.quotient->dividend); c != 0) return c;
  return compare(a.quotient->divisor, b.quotient->divisor);
}

inline std::int64_t Dim::Atom::evaluate(const Bindings& b) const {
  if (!quotient) return lookup(Symbol{symbol}, b);
  return floor_divide(Dim(quotient->dividend.evaluate(b)), Dim(quotient->divisor.evaluate(b))).constant();
}

inline bool Dim::Atom::is_bound(const Bindings& b) const {
  return quotient ? quotient->dividend.is_bound(b) && quotient->divisor.is_bound(b)
                  : b.find(Symbol{symbol}).has_value();
}

inline std::string Dim::Atom::text() const {
  if (!quotient) return Symbol{symbol}.name();
  const auto part = [](const Dim& d) {
    return d.is_constant() || d.symbol() ? d.text() : "(" + d.text() + ")";
  };
  return part(quotient->dividend) + "//" + part(quotient->divisor);
}

/// The dims of a stream or a buffer, innermost first.
using Shape = std::vector<Dim>;

/// `[N, M]`, as in a task file.
[[nodiscard]] inline std::string text(std::span<const Dim> dims) {
  std::string out = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) out += (i != 0 ? ", " : "") + dims[i].text();
  return out + "]";
}

} // namespace step
