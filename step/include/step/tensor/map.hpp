// SPDX-License-Identifier: MIT
// Loops that apply a function object to every element of one, two or three broadcast operands.
// Contiguous rows get loops that compilers vectorise; nothing is called through a pointer per element.
#pragma once

#include "step/tensor/batch.hpp"
#include "step/tensor/kernels.hpp"

#include <optional>

namespace step::tensor {

/// One operand of an element-wise operation: a tensor, or a Python number.
struct Operand {
  /*implicit*/ Operand(const Tensor& t) : tensor(&t), number(0) {}
  /*implicit*/ Operand(const Scalar& s) : number(s) {}
  /*implicit*/ Operand(double d) : number(d) {}

  [[nodiscard]] DType dtype() const { return tensor != nullptr ? tensor->dtype() : number.dtype(); }
  void promote(Promotion& p) const {
    if (tensor != nullptr)
      p.add(tensor->dtype(), tensor->rank());
    else
      p.add(number);
  }
  const Tensor* tensor = nullptr;
  Scalar number;
};

namespace detail {

/// The elements of an operand as a given type, converted when they are of another.
class Elements {
 public:
  Elements(const Operand& o, DType type) {
    if (o.tensor != nullptr) {
      tensor_ = o.tensor;
      if (o.tensor->dtype() != type) tensor_ = &converted_.emplace(o.tensor->to(type));
      return;
    }
    visit(type, [&]<class T>(std::type_identity<T>) {
      const T v = o.number.as<T>();
      std::memcpy(value_, &v, sizeof v);
    });
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  [[nodiscard]] const void* data() const {
    if (tensor_ == nullptr) return value_;
    return visit(tensor_->dtype(),
                 [&]<class T>(std::type_identity<T>) -> const void* { return tensor_->data<T>(); });
  }
  /// Null for a number.
  [[nodiscard]] const Tensor* tensor() const { return tensor_; }

 private:
  const Tensor* tensor_ = nullptr;
  std::optional<Tensor> converted_;
  alignas(8) std::byte value_[8]{};
};

/// The innermost code of an operation of N operands: computes one tile of the result.
template <int N>
using Kernel = void (*)(const void* f, const std::array<const void*, N>& bases, void* result,
                        const Tile<N + 1>& tile);

/// The operand whose shape the result has, when all are contiguous and of one shape or unbatched scalars: no
/// need to lay them over one another. Null otherwise.
template <int N>
[[nodiscard]] const Tensor*
plain_shape(const std::array<const Tensor*, static_cast<std::size_t>(N)>& tensors) {
  const Tensor* shape = nullptr;
  for (const Tensor* t : tensors)
    if (t != nullptr && (shape == nullptr || t->axes() > shape->axes())) shape = t;
  if (shape == nullptr) return nullptr;
  for (const Tensor* t : tensors) {
    if (t == nullptr || t->axes() == 0) continue;
    if (!t->is_contiguous() || t->lead() != shape->lead() || t->sizes() != shape->sizes()) return nullptr;
  }
  return shape;
}

/// Everything around a kernel that does not depend on element types or on the function. `cost` is the work
/// charged per element.
template <int N>
[[nodiscard]] Tensor run_kernel(DType result_type, const std::array<const Elements*, N>& operands,
                                std::string_view function, Kernel<N> kernel, const void* f,
                                std::uint64_t cost = 1) {
  constexpr auto n = static_cast<std::size_t>(N);
  std::array<const Tensor*, n> tensors{};
  struct Context {
    Kernel<N> kernel;
    const void* f;
    std::array<const void*, n> bases;
    void* result;
  } context{kernel, f, {}, nullptr};
  for (std::size_t k = 0; k < n; ++k) {
    tensors[k] = operands[k]->tensor();
    context.bases[k] = operands[k]->data();
  }
  if (const Tensor* shape = plain_shape<N>(tensors); shape != nullptr) {
    Tensor result = Tensor::empty(shape->sizes(), result_type, shape->lead());
    Meter::current().work(static_cast<std::uint64_t>(result.numel()) * cost);
    Tile<N + 1> tile;
    tile.length = result.numel();
    tile.stride[0] = 1;
    for (std::size_t k = 0; k < n; ++k)
      tile.stride[k + 1] = tensors[k] == nullptr || tensors[k]->axes() == 0 ? 0 : 1;
    if (tile.length > 0) kernel(f, context.bases, result.write<std::byte>(), tile);
    return result;
  }
  const Overlay<N> o = overlay<N>(tensors, function);
  Tensor result = o.make(result_type);
  Meter::current().work(static_cast<std::uint64_t>(result.numel()) * cost);
  context.result = result.write<std::byte>();
  std::array<const Shape*, n + 1> strides{&result.strides()};
  for (std::size_t k = 0; k < n; ++k) strides[k + 1] = &o.strides[k];
  run_tiles<N + 1>(
      o.sizes, strides,
      [](void* c, const Tile<N + 1>& tile) {
        const auto& x = *static_cast<const Context*>(c);
        x.kernel(x.f, x.bases, x.result, tile);
      },
      &context);
  return o.finish(std::move(result));
}

inline constexpr std::uint64_t slow_function = 8; ///< the cost of a call of std::pow or std::lgamma

[[nodiscard]] inline Tensor run1(DType r, DType a, const Operand& x, Kernel<1> kernel, const void* f,
                                 std::uint64_t cost = 1) {
  const Elements ex(x, a);
  return run_kernel<1>(r, {&ex}, "", kernel, f, cost);
}
[[nodiscard]] inline Tensor run2(DType r, DType t, const Operand& x, const Operand& y,
                                 std::string_view function, Kernel<2> kernel, const void* f,
                                 std::uint64_t cost = 1) {
  const Elements ex(x, t), ey(y, t);
  return run_kernel<2>(r, {&ex, &ey}, function, kernel, f, cost);
}
[[nodiscard]] inline Tensor run3(DType t, DType a, const Operand& x, const Operand& y, const Operand& z,
                                 std::string_view function, Kernel<3> kernel, const void* f) {
  const Elements ex(x, a), ey(y, t), ez(z, t);
  return run_kernel<3>(t, {&ex, &ey, &ez}, function, kernel, f);
}

} // namespace detail

/// The same for a kernel of float32: which compilers need not vectorise.
[[nodiscard]] inline Tensor map1(const Tensor& operand, Unary kernel) {
  return detail::run1(
      DType::float32, DType::float32, operand,
      [](const void* f, const std::array<const void*, 1>& bases, void* result, const Tile<2>& t) {
        (*static_cast<const Unary*>(f))(t, static_cast<float*>(result), static_cast<const float*>(bases[0]));
      },
      &kernel);
}
template <class R>
[[nodiscard]] Tensor map2(const Operand& x, const Operand& y, std::string_view function, Binary<R> kernel) {
  return detail::run2(
      dtype_of<R>, DType::float32, x, y, function,
      [](const void* f, const std::array<const void*, 2>& bases, void* result, const Tile<3>& t) {
        (*static_cast<const Binary<R>*>(f))(t, static_cast<R*>(result), static_cast<const float*>(bases[0]),
                                            static_cast<const float*>(bases[1]));
      },
      &kernel);
}

/// f(a) over all elements, of type R. O(numel).
template <class R, class A, class F> [[nodiscard]] Tensor map1(const Tensor& operand, F f) {
  return detail::run1(
      dtype_of<R>, dtype_of<A>, operand,
      [](const void* function, const std::array<const void*, 1>& bases, void* result, const Tile<2>& t) {
        const F& g = *static_cast<const F*>(function);
        const std::int64_t n = t.length, sp = t.stride[0], sa = t.stride[1];
        for (std::int64_t r = 0; r < t.rows; ++r) {
          R* p = static_cast<R*>(result) + t.offset[0] + r * t.row_stride[0];
          const A* a = static_cast<const A*>(bases[0]) + t.offset[1] + r * t.row_stride[1];
          if (sp == 1 && sa == 1)
            for (std::int64_t i = 0; i < n; ++i) p[i] = g(a[i]);
          else
            for (std::int64_t i = 0; i < n; ++i) p[i * sp] = g(a[i * sa]);
        }
      },
      &f);
}

/// f(a, b) over the broadcast operands read as T, of type R. O(numel of the result).
template <class R, class T, class F>
[[nodiscard]] Tensor map2(const Operand& x, const Operand& y, std::string_view function, F f) {
  return detail::run2(
      dtype_of<R>, dtype_of<T>, x, y, function,
      [](const void* fn, const std::array<const void*, 2>& bases, void* result, const Tile<3>& t) {
        const F& g = *static_cast<const F*>(fn);
        const std::int64_t n = t.length, sp = t.stride[0], sa = t.stride[1], sb = t.stride[2];
        for (std::int64_t r = 0; r < t.rows; ++r) {
          R* p = static_cast<R*>(result) + t.offset[0] + r * t.row_stride[0];
          const T* a = static_cast<const T*>(bases[0]) + t.offset[1] + r * t.row_stride[1];
          const T* b = static_cast<const T*>(bases[1]) + t.offset[2] + r * t.row_stride[2];
          if (sp == 1 && sa == 1 && sb == 1) {
            for (std::int64_t i = 0; i < n; ++i) p[i] = g(a[i], b[i]);
          } else if (sp == 1 && sa == 1 && sb == 0) {
            const T v = *b;
            for (std::int64_t i = 0; i < n; ++i) p[i] = g(a[i], v);
          } else if (sp == 1 && sa == 0 && sb == 1) {
            const T v = *a;
            for (std::int64_t i = 0; i < n; ++i) p[i] = g(v, b[i]);
          } else {
            for (std::int64_t i = 0; i < n; ++i) p[i * sp] = g(a[i * sa], b[i * sb]);
          }
        }
      },
      &f);
}

/// As map2 with one loop for all strides: for functions too slow for vectorisation to matter.
template <class R, class T, class F>
[[nodiscard]] Tensor map2_slow(const Operand& x, const Operand& y, std::string_view function, F f) {
  return detail::run2(
      dtype_of<R>, dtype_of<T>, x, y, function,
      [](const void* fn, const std::array<const void*, 2>& bases, void* result, const Tile<3>& t) {
        const F& g = *static_cast<const F*>(fn);
        for (std::int64_t r = 0; r < t.rows; ++r) {
          R* p = static_cast<R*>(result) + t.offset[0] + r * t.row_stride[0];
          const T* a = static_cast<const T*>(bases[0]) + t.offset[1] + r * t.row_stride[1];
          const T* b = static_cast<const T*>(bases[1]) + t.offset[2] + r * t.row_stride[2];
          for (std::int64_t i = 0; i < t.length; ++i)
            p[i * t.stride[0]] = g(a[i * t.stride[1]], b[i * t.stride[2]]);
        }
      },
      &f, detail::slow_function);
}
/// The same for one operand.
template <class R, class A, class F> [[nodiscard]] Tensor map1_slow(const Tensor& operand, F f) {
  return detail::run1(
      dtype_of<R>, dtype_of<A>, operand,
      [](const void* function, const std::array<const void*, 1>& bases, void* result, const Tile<2>& t) {
        const F& g = *static_cast<const F*>(function);
        for (std::int64_t r = 0; r < t.rows; ++r) {
          R* p = static_cast<R*>(result) + t.offset[0] + r * t.row_stride[0];
          const A* a = static_cast<const A*>(bases[0]) + t.offset[1] + r * t.row_stride[1];
          for (std::int64_t i = 0; i < t.length; ++i) p[i * t.stride[0]] = g(a[i * t.stride[1]]);
        }
      },
      &f, detail::slow_function);
}

/// f(a, b, c) over the broadcast operands, b and c read as T, of type T. O(numel of the result).
template <class T, class A, class F>
[[nodiscard]] Tensor map3(const Operand& x, const Operand& y, const Operand& z, std::string_view function,
                          F f) {
  return detail::run3(
      dtype_of<T>, dtype_of<A>, x, y, z, function,
      [](const void* fn, const std::array<const void*, 3>& bases, void* result, const Tile<4>& t) {
        const F& g = *static_cast<const F*>(fn);
        for (std::int64_t r = 0; r < t.rows; ++r) {
          T* p = static_cast<T*>(result) + t.offset[0] + r * t.row_stride[0];
          const A* a = static_cast<const A*>(bases[0]) + t.offset[1] + r * t.row_stride[1];
          const T* b = static_cast<const T*>(bases[1]) + t.offset[2] + r * t.row_stride[2];
          const T* c = static_cast<const T*>(bases[2]) + t.offset[3] + r * t.row_stride[3];
          for (std::int64_t i = 0; i < t.length; ++i)
            p[i * t.stride[0]] = g(a[i * t.stride[1]], b[i * t.stride[2]], c[i * t.stride[3]]);
        }
      },
      &f);
}

} // namespace step::tensor
