// SPDX-License-Identifier: MIT
// Interfaces for the proposer's tests, made from types alone: there is no task behind them, so nothing but
// types can be what a program is drawn from.
#pragma once

#include "step/proposer/interface.hpp"

#include <string>
#include <vector>

namespace proposing {

using namespace step;

inline Dim dim(const char* name) { return Symbol::named(name); }
inline Field scalar() { return {}; }
inline Field buffer(Shape dims) { return {std::nullopt, std::move(dims)}; }
inline Field multihot(Dim experts) { return {experts, {}}; }

inline proposer::Interface sized() {
  proposer::Interface i;
  for (auto [name, size] : {std::pair{"M", 5}, {"N", 7}, {"K", 9}, {"D", 16}, {"E", 2}})
    i.sizes.set(Symbol::named(name), size);
  return i;
}

/// x[n][k] -> the sum over k of a function of it.
inline proposer::Interface mapped_sum(std::string map = "f", std::string fold = "g") {
  auto i = sized();
  i.inputs = {{"E0", {{{scalar()}}, {dim("K"), dim("N")}}}};
  i.functions = {{std::move(map), {{scalar()}}, {{scalar()}}, false},
                 {std::move(fold), {{scalar()}}, {{scalar()}}, true}};
  i.outputs = {{"S0", {{{scalar()}}, {dim("N")}}}};
  return i;
}

/// Two experts behind a given index.
inline proposer::Interface routed() {
  auto i = sized();
  const DType x{{buffer({dim("K")})}};
  i.inputs = {{"E0", {x, {dim("M")}}}, {"E1", {{{multihot(dim("E"))}}, {dim("M")}}}};
  i.functions = {{"h0", x, x, false}, {"h1", x, x, false}, {"s", x, x, true}};
  i.outputs = {{"S0", {x, {dim("M")}}}};
  return i;
}

} // namespace proposing
