// SPDX-License-Identifier: MIT
// Reductions of lines of floating-point numbers, and softmax along them. The order of every sum is fixed by
// the shape alone (sixteen partial sums, or one), so all instruction sets give the same results.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

inline constexpr std::int64_t line_lanes = 16; ///< partial results of a contiguous line

/// Half as many floats as fit a vector: what converts to one vector of doubles.
typedef float HalfFloats __attribute__((vector_size(STEP_VECTOR_BYTES / 2)));
typedef float AnyHalfFloats __attribute__((vector_size(STEP_VECTOR_BYTES / 2), aligned(4), may_alias));
STEP_INLINE Vector<double> load_wide(const float* p) {
  return __builtin_convertvector(static_cast<HalfFloats>(*reinterpret_cast<const AnyHalfFloats*>(p)),
                                 Vector<double>);
}
STEP_INLINE Vector<double> load_wide(const double* p) { return load(p); }
STEP_INLINE void store_narrow(float* p, const Vector<double>& v) {
  *reinterpret_cast<AnyHalfFloats*>(p) = __builtin_convertvector(v, HalfFloats);
}
STEP_INLINE void store_narrow(double* p, const Vector<double>& v) { store(p, v); }

/// Running values in neighbouring lanes, which F combines with new ones.
template <class T, class F, std::size_t... v> struct GroupOf {
  static constexpr int elements = static_cast<int>(sizeof...(v)) * lanes<T>;
  Vector<T> value[sizeof...(v)] = {};

  template <class In> STEP_INLINE static Vector<T> read(const In* p) {
    if constexpr (std::is_same_v<T, double>)
      return load_wide(p);
    else
      return load(p);
  }
  template <class In> STEP_INLINE void start(const In* p) {
    ((value[v] = read(p + static_cast<int>(v) * lanes<T>)), ...);
  }
  template <class In> STEP_INLINE void take(const In* p) {
    ((value[v] = F::apply(value[v], read(p + static_cast<int>(v) * lanes<T>))), ...);
  }
  template <class Out> STEP_INLINE void finish(Out* p, double divisor) {
    if constexpr (std::is_same_v<T, double>) {
      if (divisor != 1.0) ((value[v] /= divisor), ...);
      ((store_narrow(p + static_cast<int>(v) * lanes<T>, value[v])), ...);
    } else
      ((store(p + static_cast<int>(v) * lanes<T>, value[v])), ...);
  }
  STEP_INLINE T combined() const {
    T x[elements];
    ((store(x + static_cast<int>(v) * lanes<T>, value[v])), ...);
    for (int half = elements / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) x[i] = F::apply(x[i], x[i + half]);
    return x[0];
  }
};
template <class T, class F, std::size_t... v> GroupOf<T, F, v...> group_of(std::index_sequence<v...>);
template <class T, class F, int elements>
using Group =
    decltype(group_of<T, F>(std::make_index_sequence<static_cast<std::size_t>(elements / lanes<T>)>()));

/// A contiguous line of at least line_lanes elements.
template <class Acc, class F, class T> STEP_INLINE Acc fold_line(const T* p, std::int64_t n) {
  Group<Acc, F, line_lanes> g;
  g.start(p);
  std::int64_t i = line_lanes;
  for (; i + line_lanes <= n; i += line_lanes) g.take(p + i);
  if (i < n) {
    if constexpr (std::is_same_v<F, Add>) {
      T rest[line_lanes] = {};
      for (std::int64_t k = 0; i + k < n; ++k) rest[k] = p[i + k];
      g.take(rest);
    } else
      g.take(p + n - line_lanes); // seeing an element twice does no harm
  }
  return g.combined();
}
/// Contiguous neighbours at once, element by element.
template <class Acc, class F, int elements, class T>
STEP_INLINE void fold_columns(T* out, const T* in, std::int64_t length, std::int64_t step, double divisor) {
  Group<Acc, F, elements> g; // of zeros
  if constexpr (!std::is_same_v<F, Add>) g.start(in);
  for (std::int64_t r = 0; r < length; ++r) g.take(in + r * step);
  g.finish(out, divisor);
}
/// A line that is short or not contiguous: one element after the other, as in a column.
template <class T> STEP_INLINE double short_sum(const T* p, std::int64_t n, std::int64_t step) {
  if (n == 3) // the usual number of experts
    return static_cast<double>(p[0]) + static_cast<double>(p[step]) + static_cast<double>(p[2 * step]);
  double total = 0;
  for (std::int64_t k = 0; k < n; ++k) total += static_cast<double>(p[k * step]);
  return total;
}
template <class F, class T> STEP_INLINE T short_extremum(const T* p, std::int64_t n, std::int64_t step) {
  T best = p[0];
  for (std::int64_t k = 1; k < n; ++k) best = F::apply(best, p[k * step]);
  return best;
}
/// Folds lines, of which only sums may be empty. Sums are made in double and divided by `divisor`.
template <class Acc, class F, class T> void fold_lines(const Lines<T>& s, double divisor) {
  constexpr int wide = 8 * lanes<Acc>, narrow = 16;
  if (s.step == 1 && s.length >= line_lanes) {
    for (std::int64_t i = 0; i < s.count; ++i) {
      const Acc x = fold_line<Acc, F>(s.in + i * s.next, s.length);
      if constexpr (std::is_same_v<F, Add>)
        s.out[i] = static_cast<T>(divisor == 1.0 ? x : x / divisor);
      else
        s.out[i] = x;
    }
    return;
  }
  std::int64_t i = 0;
  if (s.next == 1) {
    if constexpr (wide > narrow)
      for (; i + wide <= s.count; i += wide)
        fold_columns<Acc, F, wide>(s.out + i, s.in + i, s.length, s.step, divisor);
    for (; i + narrow <= s.count; i += narrow)
      fold_columns<Acc, F, narrow>(s.out + i, s.in + i, s.length, s.step, divisor);
  }
  for (; i < s.count; ++i) {
    const T* p = s.in + i * s.next;
    if constexpr (std::is_same_v<F, Add>)
      s.out[i] = static_cast<T>(short_sum(p, s.length, s.step) / divisor);
    else
      s.out[i] = short_extremum<F>(p, s.length, s.step);
  }
}
template <class T> void sum_lines(const Lines<T>& s, double divisor) { fold_lines<double, Add>(s, divisor); }
template <class T> void maximum_lines(const Lines<T>& s) { fold_lines<T, Maximum>(s, 1.0); }
template <class T> void minimum_lines(const Lines<T>& s) { fold_lines<T, Minimum>(s, 1.0); }

STEP_INLINE Floats gather(const float* p, std::int64_t step, std::int64_t n) {
  if (step == 1) return n == lanes<float> ? load(p) : load_part(p, n);
  alignas(Floats) float line[lanes<float>] = {};
  for (std::int64_t k = 0; k < n; ++k) line[k] = p[k * step];
  return load(line);
}
STEP_INLINE void scatter(float* p, std::int64_t step, std::int64_t n, const Floats& v) {
  if (step == 1) return n == lanes<float> ? store(p, v) : store_part(p, v, n);
  alignas(Floats) float line[lanes<float>];
  store(line, v);
  for (std::int64_t k = 0; k < n; ++k) p[k * step] = line[k];
}

/// A contiguous line.
STEP_INLINE void softmax_line(float* out, const float* in, std::int64_t n, bool logarithm) {
  constexpr int w = lanes<float>;
  const bool is_short = n < line_lanes;
  const Floats peak =
      repeated(is_short ? short_extremum<Maximum>(in, n, 1) : fold_line<float, Maximum>(in, n));
  for (std::int64_t i = 0; i < n; i += w) {
    const std::int64_t part = n - i < w ? n - i : w;
    scatter(out + i, 1, part, Exp::apply(gather(in + i, 1, part) - peak));
  }
  const double total = is_short ? short_sum(out, n, 1) : fold_line<double, Add>(out, n);
  const Floats scale = repeated(static_cast<float>(1 / total)),
               shift = peak + static_cast<float>(logarithm ? std::log(total) : 0.0);
  for (std::int64_t i = 0; i < n; i += w) {
    const std::int64_t part = n - i < w ? n - i : w;
    scatter(out + i, 1, part, logarithm ? gather(in + i, 1, part) - shift : gather(out + i, 1, part) * scale);
  }
}
/// As many short lines as lanes: each element is moved once.
inline constexpr std::int64_t most_short = 8;
STEP_INLINE void softmax_short(float* out, std::int64_t out_next, std::int64_t out_step, const float* in,
                               std::int64_t next, std::int64_t step, std::int64_t length) {
  constexpr int w = lanes<float>;
  alignas(Floats) float lines[most_short * w];
  for (int k = 0; k < w; ++k)
    for (std::int64_t r = 0; r < length; ++r) lines[r * w + k] = in[k * next + r * step];
  Floats peak = load(lines);
  for (std::int64_t r = 1; r < length; ++r) peak = Maximum::apply(peak, load(lines + r * w));
  Vector<double> low{}, high{};
  for (std::int64_t r = 0; r < length; ++r) {
    float* line = lines + r * w;
    store(line, Exp::apply(load(line) - peak));
    low += load_wide(line);
    high += load_wide(line + lanes<double>);
  }
  alignas(Floats) float scales[w];
  store_narrow(scales, 1.0 / low);
  store_narrow(scales + lanes<double>, 1.0 / high);
  const Floats scale = load(scales);
  for (std::int64_t r = 0; r < length; ++r) store(lines + r * w, load(lines + r * w) * scale);
  for (int k = 0; k < w; ++k)
    for (std::int64_t r = 0; r < length; ++r) out[k * out_next + r * out_step] = lines[r * w + k];
}
/// e^x over its sum along lines of at least one element, or the logarithm of that.
inline void softmax_lines(const Lines<float>& s, std::int64_t out_next, std::int64_t out_step,
                          bool logarithm) {
  if (s.step == 1 && out_step == 1 && (s.length >= line_lanes || s.count < line_lanes)) {
    for (std::int64_t i = 0; i < s.count; ++i)
      softmax_line(s.out + i * out_next, s.in + i * s.next, s.length, logarithm);
    return;
  }
  constexpr int w = lanes<float>; // that many lines at once
  std::int64_t i = 0;
  if (s.length <= most_short && !logarithm)
    for (; i + w <= s.count; i += w)
      softmax_short(s.out + i * out_next, out_next, out_step, s.in + i * s.next, s.next, s.step, s.length);
  for (; i < s.count; i += w) {
    const std::int64_t n = s.count - i < w ? s.count - i : w;
    const float* in = s.in + i * s.next;
    float* out = s.out + i * out_next;
    Floats peak = gather(in, s.next, n);
    for (std::int64_t r = 1; r < s.length; ++r)
      peak = Maximum::apply(peak, gather(in + r * s.step, s.next, n));
    alignas(Floats) float line[w];
    Vector<double> low{}, high{};
    for (std::int64_t r = 0; r < s.length; ++r) {
      const Floats e = Exp::apply(gather(in + r * s.step, s.next, n) - peak);
      scatter(out + r * out_step, out_next, n, e);
      store(line, e);
      low += load_wide(line);
      high += load_wide(line + lanes<double>);
    }
    if (logarithm) {
      alignas(Floats) double totals[w];
      store(totals, low);
      store(totals + lanes<double>, high);
      store(line, peak);
      for (int k = 0; k < w; ++k) line[k] += static_cast<float>(std::log(totals[k]));
    } else {
      store_narrow(line, 1.0 / low);
      store_narrow(line + lanes<double>, 1.0 / high);
    }
    const Floats last = load(line);
    for (std::int64_t r = 0; r < s.length; ++r) {
      float* o = out + r * out_step;
      scatter(o, out_next, n,
              logarithm ? gather(in + r * s.step, s.next, n) - last : gather(o, out_next, n) * last);
    }
  }
}

#endif
