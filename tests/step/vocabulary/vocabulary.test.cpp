// SPDX-License-Identifier: MIT
// The vocabulary's look-up, messages and values that PyTorch 1.13 could not record, and hostile arguments:
// whatever is passed to whichever function, the outcome is a value or a Fault.
#include "step/vocabulary/vocabulary.hpp"
#include "step/vocabulary/operators.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace step;
using namespace step::vocabulary;
using tensor::DType;
using tensor::Shape;

Tensor vector(std::vector<float> v) { return Tensor::of<float>(v, {static_cast<std::int64_t>(v.size())}); }
Value call(Heap& heap, const Builtin* f, std::vector<Value> positional,
           std::vector<std::pair<std::string_view, Value>> keywords = {}) {
  REQUIRE(f != nullptr);
  return f->call(heap, {positional, keywords});
}
std::string message(const auto& body) {
  try {
    body();
  } catch (const Fault& f) {
    return f.message;
  }
  return "no fault";
}
const Tensor& as_tensor(Value v) {
  REQUIRE(v.as<TensorObject>() != nullptr);
  return v.as<TensorObject>()->tensor;
}

} // namespace

TEST_CASE("names resolve where PyTorch has them") {
  CHECK(find_function("torch.sum") != nullptr);
  CHECK(find_function("torch.nn.functional.relu") != nullptr);
  CHECK(find_function("torch.nn.Softmax") != nullptr);
  CHECK(find_function("torch.linalg.norm") != nullptr);
  CHECK(find_function("torch.rand") == nullptr);
  CHECK(find_function("torch.manual_seed") == nullptr);
  CHECK(find_function("Tensor.sum") == nullptr);
  CHECK(find_method("scatter_") != nullptr);
  CHECK(find_method("shape") == nullptr);
  CHECK(is_namespace("torch.nn.functional"));
  CHECK_FALSE(is_namespace("torch.cuda"));
  CHECK(names().size() > 600);
  CHECK(std::is_sorted(names().begin(), names().end()));
}

TEST_CASE("the nearest name stays in the same kind of place") {
  CHECK(nearest("torch.softmaxx") == "torch.softmax");
  CHECK(nearest("torch.nn.functional.sillu") == "torch.nn.functional.silu");
  CHECK(nearest("unsqueze") == "unsqueeze");
  CHECK(nearest("torch.nn.Gelu") == "torch.nn.GELU");
  CHECK_FALSE(nearest("").empty());
  CHECK_FALSE(nearest(std::string(100'000, 'x')).empty());
}

TEST_CASE("constants") {
  Heap heap;
  CHECK(constant(heap, "torch.inf").as_real() == std::numeric_limits<double>::infinity());
  CHECK(constant(heap, "torch.pi").as_real() == doctest::Approx(3.14159265));
  CHECK(constant(heap, "torch.int32").as<TorchDtype>()->dtype == DType::int64);
  CHECK_FALSE(constant(heap, "torch.complex64").is_set());
  auto* f = constant(heap, "torch.float32").as<TorchDtype>();
  CHECK(f->resolved() == DType::float32);
  const tensor::FloatPrecision twice(DType::float64);
  CHECK(f->resolved() == DType::float64);
}

TEST_CASE("double precision reaches constructors, conversions and promotion") {
  const tensor::FloatPrecision twice(DType::float64);
  Heap heap;
  const Value two = Value::integer(2);
  CHECK(as_tensor(call(heap, find_function("torch.zeros"), {two})).dtype() == DType::float64);
  CHECK(as_tensor(call(heap, find_function("torch.tensor"), {Value::real(0.1)})).item().real() == 0.1);
  const Value ints = make(heap, Tensor::full({2}, 3, DType::int64));
  CHECK(as_tensor(call(heap, find_method("float"), {ints})).dtype() == DType::float64);
  CHECK(as_tensor(binary(heap, syntax::Op::divide, ints, two)).dtype() == DType::float64);
  CHECK(as_tensor(call(heap, find_function("torch.exp"), {ints})).dtype() == DType::float64);
}

TEST_CASE("messages name the function, the argument and the shapes") {
  Heap heap;
  const Value x = make(heap, Tensor::zeros({3, 4}, DType::float32));
  const Value v = make(heap, Tensor::zeros({3}, DType::float32));
  CHECK(message([&] { call(heap, find_function("torch.sum"), {}); }) ==
        "sum(): missing required argument 'input' (position 1)");
  CHECK(message([&] { call(heap, find_function("torch.sum"), {Value::integer(1)}); }) ==
        "sum(): argument 'input' (position 1) must be Tensor, not int");
  CHECK(message([&] {
          call(heap, find_function("torch.sum"), {x}, {{"dims", Value::integer(1)}});
        }) == "sum(): got an unexpected keyword argument 'dims'");
  CHECK(message([&] {
          call(heap, find_function("torch.sum"), {x, Value::integer(0)}, {{"dim", Value::integer(1)}});
        }) == "sum(): got multiple values for argument 'dim'");
  CHECK(message([&] {
          call(heap, find_function("torch.abs"), {x, x});
        }) == "abs(): takes 1 positional arguments but 2 were given");
  CHECK(message([&] {
          call(heap, find_function("torch.softmax"), {x, Value::integer(2)});
        }) == "softmax(): Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  CHECK(message([&] { (void)binary(heap, syntax::Op::add, x, v); }) ==
        "+(): shapes [3, 4] and [3] do not broadcast at dimension 1 (4 and 3)");
  CHECK(message([&] { (void)binary(heap, syntax::Op::matmul, x, v); }) ==
        "@(): shapes [3, 4] and [3] cannot be multiplied (inner dimensions 4 and 3 differ)");
}

TEST_CASE("attributes, named results and modules") {
  Heap heap;
  const Value x = make(heap, vector({3, 1, 2}));
  const Value top = call(heap, find_function("torch.topk"), {x, Value::integer(2)});
  CHECK(as_tensor(attribute(heap, top, "indices")).data<std::int64_t>()[1] == 2);
  CHECK_FALSE(attribute(heap, top, "keys").is_set());
  CHECK_FALSE(attribute(heap, x, "sum").is_set());
  CHECK(as_tensor(attribute(heap, x, "T")).size(0) == 3);
  const Value limits = call(heap, find_function("torch.finfo"), {constant(heap, "torch.float32")});
  CHECK(attribute(heap, limits, "min").as_real() ==
        static_cast<double>(std::numeric_limits<float>::lowest()));
  const Value integers = call(heap, find_function("torch.iinfo"), {constant(heap, "torch.int64")});
  CHECK(attribute(heap, integers, "max").as_int() == std::numeric_limits<std::int64_t>::max());
  CHECK(attribute(heap, x, "device").as<interp::String>()->text == "cpu");
  CHECK(as_tensor(call(heap, find_function("torch.empty"), {Value::integer(2)})).data<float>()[1] == 0.0F);
  const Value rms =
      call(heap, find_function("torch.nn.RMSNorm"), {Value::integer(3)}, {{"eps", Value::real(0)}});
  const Tensor& y = as_tensor(call_module(heap, *rms.as<TorchModule>(), {std::span(&x, 1), {}}));
  CHECK(y.data<float>()[0] == doctest::Approx(3 / std::sqrt(14.0 / 3)));
}

TEST_CASE("equal elements are ranked by index") {
  Heap heap;
  const Value x = make(heap, vector({1, 2, 2, 1, 2}));
  const Tensor& at =
      as_tensor(attribute(heap, call(heap, find_function("torch.topk"), {x, Value::integer(4)}), "indices"));
  const std::int64_t want[] = {1, 2, 4, 0};
  for (int i = 0; i < 4; ++i) CHECK(at.data<std::int64_t>()[i] == want[i]);
}

TEST_CASE("writes go through views but not into frozen storage") {
  Heap heap;
  Tensor base = Tensor::zeros({2, 3}, DType::float32);
  auto* row = heap.make<TensorObject>(base.selected(0, 1));
  CHECK(inplace(heap, syntax::Op::add, row, Value::integer(2)).object() == row);
  CHECK(base.data<float>()[3] == 2.0F);
  set_item(heap, base, Value::integer(0), Value::real(7));
  CHECK(base.data<float>()[2] == 7.0F);
  base.freeze();
  CHECK(message([&] { (void)inplace(heap, syntax::Op::add, row, Value::integer(2)); }) ==
        "in-place write to input data");
  CHECK(message([&] { set_item(heap, base, Value::integer(0), Value::real(7)); }) ==
        "in-place write to input data");
  CHECK(message([&] { call(heap, find_method("zero_"), {row}); }) == "in-place write to input data");
  // The copy is free again.
  auto* copy = heap.make<TensorObject>(base.clone());
  call(heap, find_method("zero_"), {copy});
  CHECK(copy->tensor.data<float>()[2] == 0.0F);
}

TEST_CASE("a batch writes only into tensors of its own") {
  Heap heap;
  const Tensor x = Tensor::of<float>(std::vector<float>{1, 2, 3, 4}, {2, 2}, 1); // two positions of a vector
  auto* shared = heap.make<TensorObject>(Tensor::zeros({2}, DType::float32));
  CHECK_THROWS_AS((void)inplace(heap, syntax::Op::add, shared, make(heap, x)), Fault);
  auto* own = heap.make<TensorObject>(x.clone());
  (void)inplace(heap, syntax::Op::multiply, own, make(heap, x));
  CHECK(own->tensor.data<float>()[3] == 16.0F);
  CHECK(as_tensor(call(heap, find_function("torch.zeros_like"), {own})).lead() == 1);
}

namespace {

/// A pool of arguments, most of them wrong most of the time.
std::vector<Value> hostile_values(Heap& heap) {
  using I = std::int64_t;
  std::vector<Value> v;
  for (I i : {I{0}, I{1}, I{2}, I{-1}, I{-2}, I{3}, I{7}, I{1'000'000'000}, I{-1'000'000'000'000},
              std::numeric_limits<I>::min(), std::numeric_limits<I>::max()})
    v.push_back(Value::integer(i));
  for (double d : {0.0, -0.5, 1e300, -1e300, std::numeric_limits<double>::infinity(),
                   std::numeric_limits<double>::quiet_NaN()})
    v.push_back(Value::real(d));
  for (const char* s :
       {"", "ij,jk->ik", "...i->", "i,i", "fro", "sum", "floor", "tanh", "i->ii", "....", "a->a,b"})
    v.push_back(heap.make<interp::String>(s));
  v.push_back(Value::none());
  v.push_back(Value::boolean(true));
  v.push_back(Value::boolean(false));
  v.push_back(heap.make<TorchDtype>(DType::int64));
  v.push_back(heap.make<TorchDtype>(DType::boolean));
  v.push_back(heap.make<TorchDtype>(DType::float64));
  v.push_back(heap.make<interp::Ellipsis>());
  v.push_back(heap.make<interp::Slice>(v[3], v[9], v[2]));
  v.push_back(heap.make<interp::Slice>(Value::none(), Value::none(), v[10]));
  float f = -2.5F;
  for (const Shape& sizes : {Shape{}, Shape{0}, Shape{1}, Shape{3}, Shape{2, 3}, Shape{3, 2}, Shape{3, 3},
                             Shape{0, 3}, Shape{2, 1, 3}, Shape{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}})
    for (int lead = 0; lead <= std::min(1, sizes.size()); ++lead)
      for (DType d : {DType::float32, DType::int64, DType::boolean, DType::float64}) {
        Tensor t = Tensor::empty(sizes, d, lead);
        tensor::visit(d, [&]<class T>(std::type_identity<T>) {
          for (I i = 0; i < t.numel(); ++i, f += 1.25F)
            t.write<T>()[i] = tensor::convert<T>(f > 4 ? (f -= 6.5F) : f);
        });
        v.push_back(make(heap, t));
        if (t.rank() == 2) v.push_back(make(heap, t.transposed(lead, lead + 1)));
      }
  v.push_back(make(heap, Tensor::full({2}, std::numeric_limits<I>::min(), DType::int64)));
  v.push_back(make(heap, Tensor::full({2}, std::numeric_limits<I>::max(), DType::int64)));
  v.push_back(make(heap, Tensor::full({1}, 1.0, DType::float32).expanded(0, I{1} << 30)));
  const std::size_t plain = v.size();
  for (std::size_t i = 0; i < 40; ++i) {
    std::vector<Value> items;
    for (std::size_t k = 0; k < i % 4; ++k)
      items.push_back(v[(i * 31 + k * 17 + (k == 0 ? 0 : i % 3)) % plain]);
    if (i % 2 == 0)
      v.push_back(heap.make<interp::Tuple>(std::move(items)));
    else
      v.push_back(heap.make<interp::List>(std::move(items)));
  }
  return v;
}

} // namespace

TEST_CASE("hostile arguments end in a value or a Fault") {
  std::uint64_t state = 12345;
  const auto draw = [&](std::size_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33U) % n;
  };
  int values = 0, faults = 0, others = 0;
  std::vector<std::string> targets = names();
  for (const char* extra : {"getitem", "setitem", "binary", "inplace", "compare", "getitem2"})
    targets.insert(targets.end(), 60, extra);
  constexpr syntax::Op operators[] = {syntax::Op::add,        syntax::Op::divide,  syntax::Op::floor_divide,
                                      syntax::Op::modulo,     syntax::Op::power,   syntax::Op::matmul,
                                      syntax::Op::shift_left, syntax::Op::bit_and, syntax::Op::less,
                                      syntax::Op::equal,      syntax::Op::in,      syntax::Op::is};
  for (const std::string& name : targets) {
    Heap heap;
    const std::vector<Value> pool = hostile_values(heap);
    for (int round = 0; round < 60; ++round) {
      Limits limits;
      limits.elements = 100'000;
      limits.work = 300'000;
      const Meter meter(limits);
      std::vector<Value> arguments;
      const std::size_t n = draw(5);
      for (std::size_t i = 0; i <= n; ++i) arguments.push_back(pool[draw(pool.size())]);
      // Mostly begin with a tensor, else little is reached.
      while (draw(8) != 0 && arguments[0].as<TensorObject>() == nullptr)
        arguments[0] = pool[draw(pool.size())];
      try {
        auto* t = arguments[0].as<TensorObject>();
        const Value other = arguments.back();
        const Builtin* f = name.starts_with("Tensor.") ? find_method(name.substr(7)) : find_function(name);
        if (f != nullptr)
          (void)f->call(heap, {arguments, {}});
        else if (name.starts_with("Tensor."))
          (void)attribute(heap, arguments[0], name.substr(7));
        else if (name == "binary")
          (void)binary(heap, operators[draw(8)], arguments[0], other);
        else if (name == "inplace")
          (void)inplace(heap, operators[draw(8)], arguments[0], other);
        else if (name == "compare")
          (void)compare(heap, operators[8 + draw(4)], arguments[0], other);
        else if (t == nullptr)
          continue;
        else if (name == "getitem")
          (void)get_item(heap, t->tensor, other);
        else if (name == "getitem2")
          (void)get_item(heap, t->tensor, heap.make<interp::Tuple>(arguments));
        else
          set_item(heap, t->tensor, arguments[n / 2], other);
        ++values;
      } catch (const Fault&) {
        ++faults;
      } catch (const std::exception& e) {
        ++others;
        MESSAGE(name << ": " << e.what());
      }
    }
  }
  CHECK(others == 0);
  CHECK(values > 3000);
  CHECK(faults > 10'000);
}
