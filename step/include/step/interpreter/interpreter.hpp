// SPDX-License-Identifier: MIT
// Executes trees of the Python subset: the class and the definitions of its members, by topic.
#pragma once

#include "step/interpreter/interpreter_class.hpp"

#include "step/interpreter/arithmetic.hpp"
#include "step/interpreter/comprehension.hpp"
#include "step/interpreter/containers.hpp"
#include "step/interpreter/expressions.hpp"
#include "step/interpreter/format.hpp"
#include "step/interpreter/functions.hpp"
#include "step/interpreter/iterators.hpp"
#include "step/interpreter/ordering.hpp"
#include "step/interpreter/scopes.hpp"
#include "step/interpreter/set_operations.hpp"
#include "step/interpreter/statements.hpp"
#include "step/interpreter/text.hpp"
