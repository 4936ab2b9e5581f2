#!/usr/bin/env bash
# What bench/studies/sets/run, run-steps and run-best share; sourced by them, which set `seeds`.
# shellcheck disable=SC2154
popaug=${POPAUG:-build/popaug}
workers=${WORKERS:-0}

# find_set SET OUT: sets `data` to the set's images, made in OUT where they have to be.
find_set() {
  case $1 in
    fashion) data=/usr/share/datasets/fashion-mnist ;;
    orientation)
      data=$2/orientation.npz
      [ -f "$data" ] || .venv/bin/python bench/studies/sets/make_set.py orientation "$data"
      ;;
    rcifar10) data=${CIFAR10:?names the folder of CIFAR-10} ;;
    *) echo "unknown set '$1': fashion, orientation or rcifar10" >&2; exit 2 ;;
  esac
}

# 1,000 labelled images in all: a search trains on 700 of them and validates on 300, every arm trains on the 1,000.
use_set() { # DATA OUT [TRAIN VALIDATION]: sets `training`, the flags of every training on the set, and `length`
  local data=$1 split=$2/labels.split.json
  [ -f "$split" ] || "$popaug" data split --data "$data" --train-size "${3:-700}" --val-size "${4:-300}" -o "$split"
  training=(--data "$data" --split "$split" --network "${network:-wrn-10-1}" --conv fast --batch "${batch:-64}" --lr 0.1 --weight-decay 5e-4 --workers "$workers")
  length=(--epochs 40)
}

# searched OUT FLAGS...: a search of 16 members and 20 rounds, gone on with where OUT has begun one.
searched() {
  local out=$1 again=()
  shift
  [ ! -f "$out/journal.jsonl" ] || again=(--resume)
  "$popaug" search "${training[@]}" "${length[@]}" --cutout 0 --population 16 --epochs-per-round 2 --out "$out" "$@" "${again[@]}"
}

# with_base_of SCHEDULE BASELINE OUT: the baseline with the schedule's flips and padding, as a schedule.
with_base_of() {
  "$popaug" schedule export "$2" --to json >"$3.baseline"
  .venv/bin/python - "$1" "$3.baseline" "$3" <<'END'
import json, sys
learned, baseline = (json.load(open(path)) for path in sys.argv[1:3])
json.dump({**baseline, "base": learned["base"]}, open(sys.argv[3], "w"))
END
  rm "$3.baseline"
}

# compared OUT TO FLAGS...: trains what TO, the committed folder, lacks. Every training that was made is kept there, those of races too,
# also after a stop; figures only when all are done.
compared() {
  local out=$1 to=$2 again=() status=0
  shift 2
  mkdir -p "$out" "$to"
  [ -f "$out/runs.jsonl" ] || [ ! -f "$to/runs.jsonl" ] || cp "$to/runs.jsonl" "$out/"
  [ -d "$out/races" ] || [ ! -d "$to/races" ] || cp -r "$to/races" "$out/"
  # A resume needs a config.toml; an empty one will do, because the flags contain all settings.
  [ ! -f "$out/runs.jsonl" ] || { again=(--resume); touch "$out/config.toml"; }
  "$popaug" compare "${training[@]}" "${length[@]}" --all-labels --seeds "$seeds" --out "$out" "$@" "${again[@]}" || status=$?
  [ ! -f "$out/runs.jsonl" ] || cp "$out/runs.jsonl" "$to/"
  [ ! -d "$out/races" ] || cp -r "$out/races" "$to/"
  [ "$status" != 0 ] || cp "$out/"compare.{json,md} "$to/"
  return "$status"
}
