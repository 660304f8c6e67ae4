// SPDX-License-Identifier: MIT
#include "step/verifier/body_program.hpp"
#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace step;
using tensor::Tensor;

namespace {

std::shared_ptr<const Task> bodies() {
  static const auto task = std::make_shared<const Task>(
      load_task(std::string(STRATA_TEST_DIR) + "/step/verifier/bodies.yaml", "bodies"));
  return task;
}

/// Positions along the lead axes, random values; every other field has a lead axis of stride 0.
std::vector<Tensor> fields(const DType& dtype, const std::vector<tensor::Shape>& axes,
                           std::span<const std::int64_t> lead, std::mt19937_64& random) {
  std::vector<Tensor> out;
  for (std::size_t f = 0; f < dtype.fields.size(); ++f) {
    tensor::Shape sizes;
    const bool repeated = f % 2 == 1 && !lead.empty();
    for (auto size : lead.subspan(repeated ? 1 : 0)) sizes.push_back(size);
    for (auto size : axes[f]) sizes.push_back(size);
    auto t = Tensor::empty(sizes, tensor::DType::float32);
    for (std::int64_t i = 0; i < t.numel(); ++i)
      t.write<float>()[i] = std::normal_distribution<float>()(random);
    if (repeated) t = t.inserted(0, lead[0]);
    out.push_back(t.with_lead(static_cast<int>(lead.size())));
  }
  return out;
}

std::vector<tensor::Shape> axes_of(const DType& dtype, const Bindings& bindings) {
  std::vector<tensor::Shape> out;
  for (const auto& field : dtype.fields) out.emplace_back(field.axes(bindings));
  return out;
}

/// The body interpreted, as it would be without a program.
std::vector<interp::Value> interpreted(interp::Heap& heap, const Function& fn, const TaskInstance& instance,
                                       std::span<const Tensor> state, std::span<const Tensor> input) {
  const auto& body = instance.body(fn);
  SnippetHost host;
  interp::Interpreter in(heap, host);
  auto* frame = heap.make<interp::Frame>(*fn.apply.tree, nullptr, nullptr, false);
  frame->slots = body.root->slots;
  const auto bind = [&](std::uint32_t id, std::span<const Tensor> tensors) {
    std::vector<interp::Value> items;
    for (const auto& t : tensors) items.push_back(heap.make<vocabulary::TensorObject>(t));
    if (id != TaskInstance::Body::none) frame->slots[id] = heap.make<interp::List>(std::move(items));
  };
  bind(body.input, input);
  bind(body.state, state);
  const auto result = in.run(*fn.apply.tree, *frame);
  std::span<const interp::Value> items;
  if (!interp::sequence_items(result, items)) items = {&result, 1};
  return {items.begin(), items.end()};
}

void check_equal(interp::Value a, interp::Value b) {
  auto *x = a.as<vocabulary::TensorObject>(), *y = b.as<vocabulary::TensorObject>();
  REQUIRE((x == nullptr) == (y == nullptr));
  if (x == nullptr) {
    CHECK(interp::equal(a, b));
    return;
  }
  const auto s = x->tensor.contiguous(), t = y->tensor.contiguous();
  REQUIRE(s.sizes() == t.sizes());
  REQUIRE(s.lead() == t.lead());
  REQUIRE(s.dtype() == t.dtype());
  CHECK(std::memcmp(s.data<float>(), t.data<float>(),
                    static_cast<std::size_t>(s.numel()) * size_of(s.dtype())) == 0);
}

/// Calls the body's operations one by one for all positions, and never folds on its own.
class OneByOne : public operators::FunctionCaller {
 public:
  explicit OneByOne(const TaskInstance& instance) : instance_(instance) {}
  std::vector<Tensor> call(const Function& fn, std::span<const Tensor> state,
                           std::span<const Tensor> input) override {
    interp::Heap heap;
    BodyProgram::Values got;
    REQUIRE(instance_.body(fn).program->run(heap, state, input, got));
    std::vector<Tensor> out;
    for (auto v : got) out.push_back(v.as<vocabulary::TensorObject>()->tensor);
    return out;
  }
  std::optional<operators::StreamData> fold(const Function&, const operators::StreamData&, int, int,
                                            bool) override {
    return {};
  }

 private:
  const TaskInstance& instance_;
};

void check_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto s = a[i].with_lead(0).contiguous(), t = b[i].with_lead(0).contiguous();
    REQUIRE(s.sizes() == t.sizes());
    CHECK(std::memcmp(s.data<float>(), t.data<float>(),
                      static_cast<std::size_t>(s.numel()) * sizeof(float)) == 0);
  }
}

/// What the tiles compute is what the operations compute, for maps and folds of streams of all forms.
void check_tiles(const Function& fn, const TaskInstance& instance) {
  const auto* tiles = instance.body(fn).program->elementwise();
  if (tiles == nullptr) return;
  std::mt19937_64 random(11);
  OneByOne one_by_one(instance);
  auto bindings = instance.bindings();
  operators::EvaluationContext context{bindings, one_by_one};
  for (const std::vector<std::int64_t>& axes : {std::vector<std::int64_t>{1},
                                                {5},
                                                {3, 4},
                                                {2, 1, 3},
                                                {2, 3, 2, 2},
                                                {300},
                                                {2, 200, 3},
                                                {0},
                                                {3, 0}}) {
    CAPTURE(tensor::text(axes));
    const Meter meter;
    const auto input = fields(fn.input, axes_of(fn.input, bindings), axes, random);
    const auto count = static_cast<int>(axes.size());
    if (tiles->maps()) check_same(tiles->map(input, count), one_by_one.call(fn, {}, input));
    if (!tiles->folds()) continue;
    for (int folded = 1; folded <= count; ++folded)
      for (const bool every : {false, true}) {
        CAPTURE(folded);
        CAPTURE(every);
        operators::Config config;
        config.fn = &fn;
        config.count = folded;
        Shape shape;
        for (int i = 0; i < count - (every ? 0 : folded); ++i)
          shape.insert(shape.begin(), Dim(axes[static_cast<std::size_t>(i)]));
        const StreamType type{fn.output, shape};
        const operators::StreamData data(input.begin(), input.end());
        const auto evaluate = every ? operators::evaluate_scan : operators::evaluate_accum;
        const operators::StreamData* const arguments[] = {&data};
        const auto expected = evaluate(config, std::span(arguments), std::span(&type, 1), context);
        check_same(tiles->fold(*fn.init, input, count, folded, every), expected[0]);
      }
  }
}

/// The program and the interpreter agree on the body of fn to the bit, whatever the batch.
void check_body(const Function& fn, const TaskInstance& instance, const BodyProgram& program) {
  std::mt19937_64 random(7);
  for (const std::vector<std::int64_t>& lead : {std::vector<std::int64_t>{}, {3}, {2, 3}}) {
    const Meter meter;
    const auto input = fields(fn.input, axes_of(fn.input, instance.bindings()), lead, random);
    const auto state = fn.init ? fields(fn.output, axes_of(fn.output, instance.bindings()), lead, random)
                               : std::vector<Tensor>{};
    interp::Heap heap;
    const auto expected = interpreted(heap, fn, instance, state, input);
    BodyProgram::Values got;
    REQUIRE(program.run(heap, state, input, got));
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) check_equal(got[i], expected[i]);
  }
}

} // namespace

TEST_CASE("the functions of the benchmark are straight lines that do what their text says") {
  for (const auto& task : load_tasks(std::string(STRATA_SOURCE_DIR) + "/tasks")) {
    const TaskInstance instance(*task, {}, 42, tensor::DType::float32, {});
    for (const auto& fn : task->functions) {
      CAPTURE(task->id);
      CAPTURE(fn.name);
      const auto* program = instance.body(fn).program.get();
      REQUIRE(program != nullptr);
      check_body(fn, instance, *program);
      check_tiles(fn, instance);
    }
  }
}

TEST_CASE("what is and what is not a straight line") {
  const TaskInstance instance(*bodies(), {}, 42, tensor::DType::float32, {});
  for (const auto& fn : bodies()->functions) {
    CAPTURE(fn.name);
    const auto* program = instance.body(fn).program.get();
    CHECK((program != nullptr) == (fn.class_name != "Interpreted"));
    if (program != nullptr && fn.class_name == "Straight") check_body(fn, instance, *program);
    if (program != nullptr) check_tiles(fn, instance);
    if (fn.name.starts_with("fn_tiles")) CHECK(program->elementwise() != nullptr);
  }
  const auto is = [&](const char* name, bool sum, bool product) {
    CAPTURE(name);
    const auto& program = *instance.body(*bodies()->function(name)).program;
    CHECK(program.is_sum() == sum);
    CHECK(program.is_product() == product);
  };
  is("fn_sum_from_five", true, false);
  is("fn_total", true, false);
  is("fn_doubling", false, false);
  is("fn_mul", false, true);
  is("fn_outer", false, true);
  is("fn_repeated", false, false);
}

TEST_CASE("a shape that depends on values is noticed") {
  const TaskInstance instance(*bodies(), {}, 42, tensor::DType::float32, {});
  const auto& fn = *bodies()->function("fn_count_positive");
  const std::vector<float> values{1, -1, 1, -1, 1, -1, 1, -1, 1};
  const std::vector<Tensor> input{Tensor::of<float>(values, {9})};
  interp::Heap heap;
  BodyProgram::Values got;
  CHECK_FALSE(instance.body(fn).program->run(heap, {}, input, got));
  BodyCaller caller(instance);
  CHECK(caller.call(fn, {}, input)[0].data<float>()[0] == 5.0F);
}

TEST_CASE("a chain of product and sum gives what its parts give") {
  const Verifier verifier(bodies());
  for (const std::string impl : {
           "a, b = step.Copy().apply(E0)\nreturn step.Accum(fn=fn_sum_from_five, "
           "b=1).apply(step.Map(fn=fn_mul)"
           ".apply((a, b)))",
           // with views in between
           "a, b = step.Copy().apply(E0)\np = step.Map(fn=fn_mul).apply((a, b))\n"
           "p = step.Streamify().apply(step.Bufferize(a=1).apply(p))\n"
           "return step.Accum(fn=fn_sum_from_five, b=1).apply(step.Identity().apply(p))",
           // the product has another reader, so it must exist
           "a, b = step.Copy().apply(E0)\np, q = step.Copy().apply(step.Map(fn=fn_mul).apply((a, b)))\n"
           "r = step.Map(fn=fn_mul).apply(step.Zip().apply((p, q)))\n"
           "return step.Accum(fn=fn_sum_from_five, b=1).apply(step.Map(fn=fn_root).apply(r))",
       }) {
    const auto v = verifier.verify(impl);
    INFO(impl);
    INFO(v.feedback());
    CHECK(v.pass);
  }
}
