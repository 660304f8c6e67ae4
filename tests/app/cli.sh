#!/bin/bash
# SPDX-License-Identifier: MIT
# End-to-end tests of the `strata` command: exit codes, one-line errors, JSON, order and hostile input.
# Usage: cli.sh STRATA SOURCE_DIR [SECTION]   (sections: usage verify corpus tasks codegen run resume report)
set -u
strata=$1
source=$2
only=${3:-}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
unset STRATA_DATA_DIR
failures=0
task=$source/tasks/bmm/bmm_0.yaml
solution=$source/step/solutions/bmm/bmm_0.yaml

fail() { # what
  echo "FAILED: $*"
  failures=$((failures + 1))
}
# run EXIT_CODE arguments..: runs strata with its output in out and err
run() {
  local want=$1
  shift
  "$strata" "$@" >out 2>err
  local got=$?
  [ $got = "$want" ] || { fail "strata $* : exit code $got, expected $want"; head -c 500 err; }
}
# refuse TEXT arguments..: exit code 2, nothing on standard output, one line on standard error that contains TEXT
refuse() {
  local text=$1
  shift
  run 2 "$@"
  [ ! -s out ] || fail "strata $* : prints to standard output"
  [ "$(wc -l <err)" = 1 ] || fail "strata $* : $(wc -l <err) lines on standard error"
  grep -qF -- "$text" err || fail "strata $* : '$(head -c 300 err)' lacks '$text'"
}
contains() { grep -qF -- "$2" "$1" || fail "$1 lacks '$2': $(head -c 300 "$1")"; }
# json FILE EXPRESSION: the lines of FILE as Python list `lines`
json() {
  command -v python3 >/dev/null || return 0
  python3 - "$1" "$2" <<'PY' || fail "$1: $2"
import json, sys
def no(constant):
    raise ValueError(constant)
lines = [json.loads(line, parse_constant=no) for line in open(sys.argv[1], encoding="utf-8")]
assert eval("(" + sys.argv[2] + ")"), lines[:3]
PY
}
section() { [ -z "$only" ] || [ "$only" = "$1" ]; }

if section usage; then
  run 0 --help && contains out "Exit codes"
  run 0 --version && contains out "strata "
  for command in run verify tasks codegen report models mock-llm; do
    run 0 $command --help
    contains out "Usage: strata $command"
    [ $command = report ] || contains out "--json"
  done
  refuse "no command given"
  refuse "did you mean verify?" verfy
  refuse "did you mean --granularity?" run --granularty 3
  refuse "did you mean --task?" verify --tsk x
  refuse "unknown option '--colour'" tasks --colour
  refuse "--task" codegen
  refuse "run" report
  refuse "--samples" run --samples 0
  refuse "--samples" run --samples 100001
  refuse "--samples" run --samples many
  refuse "--granularity" run --granularity 1001
  refuse "--temperature" run --temperature 0.4,,1
  refuse "--temperature" run --temperature nan
  refuse "--temperature" run --temperature 0.4,0.4
  refuse "--concurrency" run --concurrency 5000
  refuse "--budget-usd" run --budget-usd -1
  refuse "--seed" run --seed -1
  refuse "--seed" run --seed 99999999999999999999
  refuse "--budget-tokens" run --budget-tokens -5
  refuse "not known; write one of anthropic:NAME" run --model gpt-4o
  refuse "needs a language model" run --mode agent
  refuse "needs a language model" run --mode single-no-ir
  refuse "available: iterative, single, single-no-ir, agent" run --mode other
  [ ! -e runs ] || fail "a refused run left a directory"
fi

if section verify; then
  run 0 verify --task "$task" --impl "$solution" && contains out "PASS bmm/bmm_0"
  run 0 verify --task "$task" --impl "$solution" --json --sizes M=3,N=4 --sizes K=2,D=6 --seeds 3
  json out 'len(lines) == 1 and lines[0]["pass"] is True and lines[0]["task"] == "bmm/bmm_0" and lines[0]["stage"] == "passed" and
            lines[0]["functional"] is True and lines[0]["affine_flow"] is True and lines[0]["affine_syntactic"] is True and
            {"line", "column", "message", "seconds"} <= set(lines[0])'
  printf 'E2 = E0\n  bad = 1\n' >bad.py
  run 1 verify --task "$task" --impl bad.py && contains out "FAIL bmm/bmm_0: parse"
  printf 'a = 1\nE2 = step.Map(fn=fn_nope).apply(E0)\nreturn E2\n' >nope.py
  run 1 verify --task "$task" --impl nope.py
  contains out "line 2, column 18"
  contains out "   2 | E2 = step.Map(fn=fn_nope).apply(E0)"
  contains out "     |                  ^"
  run 1 verify --task "$task" --impl nope.py --json
  json out 'lines[0]["pass"] is False and lines[0]["line"] == 2 and lines[0]["column"] == 18 and lines[0]["stage"] == "names"'
  "$strata" verify --task "$task" --impl - <nope.py >/dev/null 2>&1
  [ $? = 1 ] || fail "verify --impl - does not read standard input"
  sed 's/^/  /; 1i impl: |' bad.py >wrapped.yaml
  printf 'test_name: x\n' >>wrapped.yaml
  run 1 verify --task "$task" --impl wrapped.yaml
  contains err "warning: the key 'test_name' is ignored"
  cat "$task" <(grep -v '^#' "$solution") >whole.yaml
  run 0 verify --task whole.yaml
  # the two affine rules
  printf 'x = E0\ny = step.Zip().apply((E0, x))\nreturn y\n' >twice.py
  run 1 verify --task "$task" --impl twice.py --affine flow --json && json out 'lines[0]["affine_flow"] is False'
  run 1 verify --task "$task" --impl twice.py --affine syntactic --json && json out 'lines[0]["affine_syntactic"] is True'
  # a pass is confirmed, unless the published check is asked for; here eps is added to the result, too
  cat >eps.py <<'PY'
x_0, x_1 = step.Copy().apply(E0)
m = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(x_0)))
r = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(m))
return step.Map(fn=fn_addeps).apply(step.Map(fn=fn_div).apply((x_1, step.Repeat(n=D).apply(r))))
PY
  norm="$source/tasks/norm/G_0_8_01.yaml"
  run 1 verify --task "$norm" --impl eps.py && contains out "with seed 43; the published check passes, seed 42"
  run 1 verify --task "$norm" --impl eps.py --json && json out 'lines[0]["published"] is True and lines[0]["functional"] is False'
  run 0 verify --task "$norm" --impl eps.py --published --json && json out 'lines[0]["published"] is True and lines[0]["pass"] is True'
  python3 -c 'import json, sys; print(json.dumps({"task": "norm/G_0_8_01", "id": 1, "impl": open("eps.py").read()}))' >eps.jsonl
  run 1 verify --corpus eps.jsonl && json out 'lines[0]["published"] is True and lines[0]["pass"] is False'
  run 0 verify --corpus eps.jsonl --published
  run 0 tasks --check --published && contains out "0 failed"
  # unreadable input
  refuse "the task has no 'impl'" verify --task "$task"
  refuse "no such file" verify --task none.yaml --impl "$solution"
  refuse "no such file" verify --task "$task" --impl none.py
  refuse "is a directory" verify --task "$work"
  refuse "--sizes" verify --task "$task" --impl "$solution" --sizes M=0
  refuse "--sizes" verify --task "$task" --impl "$solution" --sizes M
  refuse "--sizes" verify --task "$task" --impl "$solution" --sizes M=5,,N=2
  refuse "unknown symbol 'MM'" verify --task "$task" --impl "$solution" --sizes MM=5
  refuse "--seeds" verify --task "$task" --impl "$solution" --seeds 0
  refuse "--affine" verify --task "$task" --impl "$solution" --affine other
  refuse "neither --task nor --corpus" verify
  refuse "choose one form" verify --task "$task" --corpus x
  : >empty.yaml
  refuse "the file is empty" verify --task empty.yaml --impl "$solution"
  head -c 100000 /dev/urandom >random.yaml
  refuse "random.yaml" verify --task random.yaml --impl "$solution"
  head -c 2000000 /dev/zero | tr '\0' a >large.yaml
  refuse "larger than 1048576" verify --task large.yaml --impl "$solution"
  refuse "larger than 1048576" verify --task "$task" --impl large.yaml
  "$strata" verify --task "$task" --impl - <large.yaml >out 2>err
  [ $? = 2 ] || fail "a large program on standard input is not refused"
  printf 'impl: [1]\n' >list.yaml
  refuse "'impl' must be a text" verify --task "$task" --impl list.yaml
  # a program may be anything at all
  printf '\xff\xfe\x00' >binary.py
  run 1 verify --task "$task" --impl binary.py --json && json out 'lines[0]["stage"] == "parse"'
  printf '\033[31mred = 1\033[0m\n' >escape.py
  run 1 verify --task "$task" --impl escape.py
  ! grep -q $'\033' out || fail "control characters of a program reach the terminal"
  : >empty.py
  run 1 verify --task "$task" --impl empty.py
fi

if section corpus; then
  # numbers come back as they were given
  for id in 9007199254740993 18446744073709551617 123456789012345678901234567890 1e400 -0.0 1.50 0 -7; do
    printf '{"x":{"id":3},"task":"bmm/bmm_0","id" : %s ,"impl":"return E0 # \\"id\\": 5"}\n' $id >ids.jsonl
    run 1 verify --corpus ids.jsonl
    [ "$(cut -d, -f1 out)" = "{\"id\":$id" ] || fail "id $id comes back as $(cut -d, -f1 out)"
    printf '{"id":%s,"task":"nope","impl":""}\n' $id >ids.jsonl
    run 2 verify --corpus ids.jsonl
    contains out "{\"id\":$id,"
  done
  for id in 01 1. .5 +1 1e 0x1; do
    printf '{"id":%s,"task":"bmm/bmm_0","impl":"return E0"}\n' $id >ids.jsonl
    run 2 verify --corpus ids.jsonl
  done
  python3 - "$source" >corpus.jsonl <<'PY' || fail "python3 is needed for the corpus tests"
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
for i in range(2000):
    for id in ["bmm/bmm_0", "rope/G_0_3_02"]:
        text = (root / "step/solutions" / (id + ".yaml")).read_text().split("impl: |\n")[1]
        impl = "".join(line[2:] + "\n" for line in text.splitlines())
        if i % 3 == 1:
            impl += "#" + str(i)
        if i % 5 == 4:
            impl = "return E" + str(i % 7)
        print(json.dumps({"task": id, "id": i if id[0] == "b" else "r%d" % i, "impl": impl}))
PY
  run 1 verify --corpus corpus.jsonl --jobs 3
  mv out first
  json first 'len(lines) == 4000 and [x["id"] for x in lines[::2]] == list(range(2000)) and
              [x["id"] for x in lines[1::2]] == ["r%d" % i for i in range(2000)] and
              all(x["pass"] == (i // 2 % 5 != 4) for i, x in enumerate(lines)) and all(x["seconds"] >= 0 for x in lines)'
  run 1 verify --corpus corpus.jsonl --jobs 1 --no-cache
  diff <(sed 's/"seconds":[^,}]*//' first) <(sed 's/"seconds":[^,}]*//' out) >/dev/null || fail "the cache or the threads change verdicts"
  "$strata" verify --corpus - <corpus.jsonl >out 2>err
  [ $? = 1 ] || fail "a corpus on standard input: exit code"
  head -1 corpus.jsonl >good.jsonl
  run 0 verify --corpus good.jsonl && json out 'len(lines) == 1 and lines[0]["pass"]'
  printf %s "$(cat good.jsonl)" >unterminated.jsonl
  run 0 verify --corpus unterminated.jsonl && json out 'len(lines) == 1'
  : >none.jsonl
  run 0 verify --corpus none.jsonl && [ ! -s out ] || fail "an empty corpus"
  {
    echo 'not json'
    echo '{"id": 1}'
    echo '{"id": {"a": [1, null]}, "task": "no/such", "impl": ""}'
    echo '[1]'
    echo
    printf '{"id": 3, "task": "bmm/bmm_0", "impl": "\xff"}\n'
    echo '{"id": 4, "task": "bmm/bmm_0", "impl": "\ud800"}'
    head -c 100000 /dev/zero | tr '\0' '['
    echo
    head -c 5000000 /dev/zero | tr '\0' x
    echo
    cat good.jsonl
  } >hostile.jsonl
  run 2 verify --corpus hostile.jsonl
  json out 'len(lines) == 10 and all("error" in x and x["line"] == i + 1 for i, x in enumerate(lines[:9])) and
            lines[1]["id"] == 1 and lines[2]["id"] == {"a": [1, None]} and lines[0]["id"] is None and lines[9]["pass"]'
  [ "$(wc -l <err)" = 1 ] && contains err "9 line(s) could not be used"
  refuse "cannot open the corpus" verify --corpus none.jsonl.gz
  refuse "cannot open the corpus" verify --corpus "$work"
  refuse "no such directory" verify --corpus good.jsonl --tasks none
  if [ -e /dev/full ]; then
    "$strata" verify --corpus corpus.jsonl >/dev/full 2>err
    [ $? = 2 ] || fail "a full disk is not reported"
  fi
  # memory does not grow with the corpus
  (ulimit -v 4000000; for _ in $(seq 5); do cat corpus.jsonl; done | "$strata" verify --corpus - --jobs 2 >out 2>err)
  [ "$(wc -l <out)" = 20000 ] || { [ -n "${STRATA_SANITIZED:-}" ] || fail "a long corpus: $(wc -l <out) lines, $(head -c 200 err)"; }
fi

if section tasks; then
  run 0 tasks && contains out "26 tasks"
  run 0 tasks --json
  json out 'len(lines) == 1 and len(lines[0]["tasks"]) == 26 and lines[0]["tasks"][3]["id"] == "bmm/bmm_0"'
  run 0 tasks --check && contains out " 0 failed"
  mkdir -p t/a s/a
  cp "$task" t/a/x.yaml
  printf 'impl: |\n  return E0\n' >s/a/x.yaml
  run 1 tasks --check --tasks t --solutions s --json
  json out 'lines[0]["failed"] == 1 and lines[0]["examples"][0]["task"] == "a/x" and not lines[0]["examples"][0]["pass"]'
  rm s/a/x.yaml
  run 1 tasks --check --tasks t --solutions s && contains out "there is no"
  mkdir none
  refuse "no task files" tasks --tasks none
  refuse "no such directory" tasks --tasks missing
  printf 'inputs: []\n' >t/a/y.yaml
  refuse "y.yaml:1: the key 'inputs' is missing or empty" tasks --tasks t
  STRATA_DATA_DIR=$work/none refuse "STRATA_DATA_DIR" tasks
  mkdir -p data/tasks/b && cp "$task" data/tasks/b/
  STRATA_DATA_DIR=$work/data run 0 tasks && contains out "b/bmm_0"
fi

if section codegen; then
  run 0 codegen --task "$task" --impl "$solution" && contains out "def test_bmm_bmm_0():"
  run 0 codegen --task "$task" --impl "$solution" -o test_out.py && contains test_out.py "def body(E0, E1):"
  [ ! -s out ] || fail "codegen -o prints"
  refuse "the task has no 'impl'" codegen --task "$task"
  refuse "cannot write" codegen --task "$task" --impl "$solution" -o /none/x.py
  # the generated files pass on the reference implementation of the prototype's interface
  python=$(for p in /usr/bin/python3 python3; do $p -c 'import torch, sympy, pytest' 2>/dev/null && echo $p && break; done)
  if [ -n "$python" ]; then
    mkdir generated
    for file in $(cd "$source/step/solutions" && find . -name '*.yaml'); do
      name=$(echo "${file%.yaml}" | tr -c 'A-Za-z0-9\n' _)
      run 0 codegen --task "$source/tasks/$file" --impl "$source/step/solutions/$file" -o "generated/test_$name.py"
    done
    PYTHONPATH=$source/tests/reference $python -m pytest -q -p no:cacheprovider generated >out 2>&1 || fail "pytest: $(tail -5 out)"
    contains out "26 passed"
    printf 'return E0\n' | "$strata" codegen --task "$task" --impl - -o wrong_test.py
    ! PYTHONPATH=$source/tests/reference $python -m pytest -q -p no:cacheprovider wrong_test.py >out 2>&1 || fail "a wrong program passes in Python"
  fi
fi

if section run; then
  mkdir -p few/a
  for id in bmm/bmm_0 bmm/bmm_1 rope/G_0_3_02 norm/G_0_8_01; do cp "$source/tasks/$id.yaml" few/a/; done
  run 0 run --tasks few --samples 8 --seed 5 --out one
  contains out "tasks solved with"
  ! grep -q -- --resume out || fail "a complete run says how to go on"
  run 0 run --tasks few --samples 8 --seed 5 --out two --json --concurrency 3
  json out 'len(lines) == 1 and lines[0]["tasks"] == 4 and lines[0]["directory"] == "two" and lines[0]["complete"]'
  for file in config.json summary.json samples.jsonl steps.jsonl; do [ -s one/$file ] || fail "a run leaves no $file"; done
  python3 - <<'PY' || fail "two equal runs differ, or their files do not agree"
import json, pathlib
def summary(d):
    s = json.load(open(d + "/summary.json"))
    for step in [s] + s["steps"]:
        del step["seconds"]
    return s
def samples(d):
    return sorted((x["step"], x["task"], x["index"], x["temperature"], x["pass"], x["stage"], x["program"])
                  for x in map(json.loads, open(d + "/samples.jsonl")))
a, b = summary("one"), summary("two")
assert a == b and samples("one") == samples("two")
assert {"tasks", "solved", "samples", "failed_requests", "steps"} <= set(a)
assert {"step", "stratum", "demonstrations", "open", "newly_solved", "solved_total", "samples", "input_tokens",
        "output_tokens", "cost_usd"} <= set(a["steps"][0])
assert a["samples"] == len(samples("one")) == sum(s["samples"] for s in a["steps"]) and a["samples"] % 12 == 0
assert a["solved"] == sum(len(s["newly_solved"]) for s in a["steps"]) == len(list(pathlib.Path("one/solutions").rglob("*.yaml")))
PY
  for file in $(find one/solutions -name '*.yaml'); do run 0 verify --task "$file"; done
  run 0 run --tasks few --samples 2 --mode single --temperature 0.5 --out single --json
  json out 'len(lines[0]["steps"]) == 1 and lines[0]["samples"] == 8'
  refuse "is not empty" run --tasks few --out one
  : >file
  refuse "this is a file" run --tasks few --out file
  refuse "cannot make the directory" run --tasks few --out /proc/none/run
  run 1 run --tasks few --samples 4 --budget-tokens 0 --out budget && contains out "strata run --resume budget"
  # the check that decides is part of a run
  run 0 run --tasks few --samples 2 --published --out once
  grep -q '"published": true' once/config.json || fail "config.json does not say that the published check decides"
  run 0 run --resume once
  run 0 run --resume once --published
  run 0 run --tasks few --samples 1 --temperature 1
  [ "$(ls runs | wc -l)" = 1 ] || fail "the default directory is not below runs"
fi

if section resume; then
  mkdir -p some/a
  for id in bmm/bmm_0 bmm/bmm_1 bmm/bmm_2 rope/G_0_3_02 norm/G_0_8_01 norm/G_0_16_01; do cp "$source/tasks/$id.yaml" some/a/; done
  options="--tasks some --samples 120 --seed 2"
  run 0 run $options --out whole
  "$strata" run $options --out stopped >out 2>err &
  pid=$!
  for _ in $(seq 600); do
    [ "$(cat stopped/steps.jsonl 2>/dev/null | wc -l)" -ge 1 ] && break
    sleep 0.02
  done
  kill -INT $pid
  wait $pid
  code=$?
  python3 -c 'import json; exit(json.load(open("stopped/summary.json"))["complete"])' && was_stopped=1 || was_stopped=
  if [ -n "$was_stopped" ]; then
    [ $code = 1 ] || fail "an interrupted run ends with $code"
    contains out "strata run --resume stopped"
    contains out "ended: stopped"
  else
    echo "note: the run was over before the interrupt"
  fi
  [ -z "$(find stopped -name '*.tmp')" ] || fail "temporary files are left over"
  printf '{"step":0,"task":"a/bmm_0","ind' >>stopped/samples.jsonl # as after a crash
  run 0 run --resume stopped
  python3 - <<'PY' || fail "a stopped and resumed run differs from one that was never stopped"
import json
def summary(d):
    s = json.load(open(d + "/summary.json"))
    for step in [s] + s["steps"]:
        del step["seconds"]
    return s
def samples(d):
    return sorted((x["step"], x["task"], x["index"], x["pass"], x["program"]) for x in map(json.loads, open(d + "/samples.jsonl")))
assert summary("whole") == summary("stopped") and samples("whole") == samples("stopped")
PY
  run 0 run --resume stopped --seed 2 --samples 120
  refuse "--samples 120, not 5" run --resume stopped --samples 5
  refuse "--temperature 0.4,0.7,1, not 0.4" run --resume stopped --temperature 0.4
  refuse "--seed 2, not 3" run --resume stopped --seed 3
  refuse "--published: the run confirms what passes" run --resume stopped --published
  refuse "leave --out out" run --resume stopped --out other
  refuse "is no run directory" run --resume some
  sed -i 's/dims: \[D, K, M\]/dims: [D, K, N]/' some/a/bmm_0.yaml
  refuse "are not those the run was started with" run --resume stopped
  cp "$source/tasks/bmm/bmm_0.yaml" some/a/
  if [ -e /dev/full ]; then
    cp -r stopped full && ln -sf /dev/full full/steps.jsonl
    refuse "steps.jsonl: this is no regular file" run --resume full
  fi
  echo garbage >>stopped/samples.jsonl
  refuse "samples.jsonl:" run --resume stopped
  echo '{"version": 1, "samples": -5}' >stopped/config.json
  refuse "config.json: damaged" run --resume stopped
fi

if section report; then
  mkdir -p pair/a
  cp "$source"/tasks/bmm/bmm_[01].yaml pair/a/
  run 0 run --tasks pair --samples 4 --out done
  run 0 report done --html page.html && contains out "Pass@1" && contains out "solved" && contains page.html "<svg"
  ! grep -qE 'https?://|<script' page.html || fail "the page is not self-contained"
  run 0 report done --json && json out 'lines[0]["tasks"] == 2 and isinstance(lines[0]["learning_curve"], list)'
  refuse "no such directory" report absent
  refuse "is no run directory" report pair
  cp -r done broken
  head -c 300 done/samples.jsonl >broken/samples.jsonl
  printf '%s\n' '{"step": 1e400}' '[]' '{"step": -1, "newly_solved": [3, "<script>alert(1)</script>"], "solved_total": 1e15}' >>broken/steps.jsonl
  head -c 50 done/summary.json >broken/summary.json
  run 0 report broken --html page.html
  contains err "damaged lines"
  ! grep -q '<script' page.html || fail "a run can put scripts on the page"
  rm broken/summary.json broken/steps.jsonl broken/samples.jsonl
  run 0 report broken --json
  echo '{' >broken/config.json
  refuse "config.json: damaged" report broken
fi

[ $failures = 0 ] && echo "all passed"
exit $((failures > 0))
