"""popaug.compare: arms and seeds around own training code, as `popaug compare` keeps and judges them."""

import inspect
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import torch
from comparison_training import ARMS, IMAGES, SMALL, darker, fails_in_a_process, train

import popaug
import popaug.torch as pt
from popaug import _core

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("POPAUG_BUILD", HERE.parents[1] / "build"))


def repeatable(out: pathlib.Path) -> tuple[str, list[str]]:
    """What arms, seeds and data alone determine: the verdict without the cost, the trainings without their order."""
    verdict = json.loads((out / "compare.json").read_text())
    for arm in verdict["arms"]:
        assert arm.pop("core_hours") > 0
    lines = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    kept = [{k: v for k, v in line.items() if k not in ("seconds", "check")} for line in lines]
    return json.dumps(verdict), [json.dumps(kept[0]), *sorted(json.dumps(line) for line in kept[1:])]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, popaug.Comparison]:
    out = tmp_path_factory.mktemp("reference") / "comparison"
    return out, popaug.compare(train, arms=ARMS, out=out, **SMALL)


def test_the_figures_are_those_of_the_scores(reference: tuple[pathlib.Path, popaug.Comparison]) -> None:
    out, found = reference
    lines = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()[1:]]
    scores = {(line["arm"], line["seed"]): line["score"] for line in lines}
    assert len(scores) == 9
    plain = [scores["none", seed] for seed in range(3)]
    assert found.arm("none")["error"] == pytest.approx(100 - 100 * np.mean(plain))
    assert found.arm("none")["deviation"] == pytest.approx(100 * np.std(plain, ddof=1))
    (against,) = [c for c in found.arm("mine")["free"] if c["against"] == "none"]
    differences = [100 * (scores["mine", seed] - scores["none", seed]) for seed in range(3)]
    assert against["difference"] == pytest.approx(np.mean(differences))
    t = np.mean(differences) / (np.std(differences, ddof=1) / np.sqrt(3))  # Student's t with 2 degrees of freedom
    assert against["p"] == pytest.approx(1 - abs(t) / np.sqrt(2 + t * t))
    assert "worse than" in found.arm("mine")["verdict"]  # half as light
    assert found.arm("mine")["images"] == 24
    assert "no augmentation" in found.verdict and found.verdict in repr(found) and found.verdict in found._repr_html_()
    assert popaug.Comparison.load(out).to_json() == found.to_json()
    assert list(found.to_dataframe()["name"]) == ["mine", "flipcrop", "none"]
    with pytest.raises(popaug.UsageError, match='no arm "trivial" took part; mine, flipcrop, none did'):
        found.arm("trivial")


@pytest.mark.parametrize(("workers", "processes"), [(3, False), (2, True)])
def test_the_same_whatever_trains(
    workers: int, processes: bool, tmp_path: pathlib.Path, reference: tuple[pathlib.Path, popaug.Comparison]
) -> None:
    popaug.compare(train, arms=ARMS, out=tmp_path / "run", workers=workers, processes=processes, **SMALL)
    assert repeatable(tmp_path / "run") == repeatable(reference[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_keeps_its_traceback_and_the_comparison(
    workers: int, tmp_path: pathlib.Path, reference: tuple[pathlib.Path, popaug.Comparison]
) -> None:
    def fails(training: popaug.Training) -> popaug.Result:
        if training.arm == "none" and training.seed == 1:
            raise ZeroDivisionError("my own mistake")
        return train(training)

    with pytest.raises(ZeroDivisionError, match="my own mistake") as caught:
        popaug.compare(fails, arms=ARMS, out=tmp_path / "run", workers=workers, **SMALL)
    assert any(entry.name == "fails" for entry in caught.traceback)
    assert any('the arm "none" under seed 1' in n and "popaug.compare(" in n for n in caught.value.__notes__)
    assert not (tmp_path / "run" / "compare.json").exists()
    with pytest.raises(popaug.UsageError, match="already contains a comparison"):
        popaug.compare(train, arms=ARMS, out=tmp_path / "run", **SMALL)
    popaug.compare(train, arms=ARMS, out=tmp_path / "run", resume=True, **SMALL)
    assert repeatable(tmp_path / "run") == repeatable(reference[0])


SCRIPT = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import popaug
from comparison_training import ARMS, SMALL, train

def told(training):
    print(training.arm, training.seed, flush=True)
    return train(training)

popaug.compare(told, arms=ARMS, out=sys.argv[1], resume=True, workers=2, **SMALL)
"""


def test_killed_and_resumed(tmp_path: pathlib.Path, reference: tuple[pathlib.Path, popaug.Comparison]) -> None:
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(popaug.__file__).parents[1])}

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "run")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    process = start()
    assert process.stdout is not None
    for number, _ in enumerate(process.stdout):
        if number == 4:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    again = start().communicate()[0].splitlines()
    assert 0 < len(again) < 9  # what was finished is not trained again
    assert repeatable(tmp_path / "run") == repeatable(reference[0])


def test_arms_and_seeds_may_be_added_and_nothing_else_changed(tmp_path: pathlib.Path) -> None:
    trained = []

    def counted(training: popaug.Training) -> float:
        trained.append((training.arm, training.seed))
        return train(training).score

    more: dict[str, Any] = {"out": tmp_path / "run", "resume": True, "epochs": 2, "show": False}
    popaug.compare(counted, arms=["none"], seeds=2, **more)
    found = popaug.compare(counted, arms=["none", "flipcrop"], seeds=[0, 1, 7], **more)
    assert sorted(trained) == [("flipcrop", 0), ("flipcrop", 1), ("flipcrop", 7), ("none", 0), ("none", 1), ("none", 7)]
    assert found.arm("flipcrop")["seeds"] == 3
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["arms"] == ["none", "flipcrop"]
    with pytest.raises(popaug.UsageError, match=r"was made with epochs = 2, now it is 3"):
        popaug.compare(counted, arms=["none"], **(more | {"epochs": 3}))
    with pytest.raises(popaug.UsageError, match=r"was made with trainer = \{\}, now it is"):
        popaug.compare(counted, arms=["none"], trainer={"lr": 0.1}, **more)
    popaug.compare(counted, arms={"mine": darker}, seeds=1, **more)
    with pytest.raises(popaug.UsageError, match='trained the arm "mine" with another transform'):
        popaug.compare(counted, arms={"mine": lambda image: image // 3}, seeds=1, **more)
    assert len(trained) == 7


def learned() -> popaug.Schedule:
    value = popaug.Schedule.load("rcifar10-paper").stretch(4).to_json()
    value["provenance"] = {"images_trained": 1000, "images_evaluated": 200, "data": "other images"}
    return popaug.Schedule.from_json(value)


def test_a_learned_schedule_with_its_controls(tmp_path: pathlib.Path) -> None:
    seen: dict[tuple[str, int], popaug.Schedule] = {}

    def look(training: popaug.Training) -> float:
        seen[training.arm, training.seed] = training.schedule
        return 0.5 + len(seen) / 1000

    found = popaug.compare(look, schedule=learned(), seeds=2, out=tmp_path / "run", show=False, data="six images")
    assert [arm["name"] for arm in found.arms] == [
        "flipcrop", "randaugment", "trivial", "schedule", "last", "flattened", "drift"]  # fmt: skip
    assert all(schedule.epochs == 4 for schedule in seen.values())  # its own length, where epochs is not given
    assert seen["schedule", 0] == learned()
    assert len(seen["last", 0].segments) == 1 and seen["last", 0].at(0) == learned().at(3)
    assert seen["drift", 0] != seen["drift", 1] and seen["trivial", 0] == seen["trivial", 1]
    assert found.arm("schedule")["search_images"] == 1200
    assert {c["against"] for c in found.arm("schedule")["controls"]} == {"last", "flattened", "drift"}
    assert found.verdict.startswith("the schedule: ")
    assert any("learned on other images" in note for note in found.notes)
    both = popaug.compare(look, arms={"found": learned(), "file": "rcifar10-paper", "base": "flipcrop"}, seeds=2,
                          epochs=4, out=tmp_path / "named", show=False)  # fmt: skip
    assert [arm["family"] for arm in both.arms] == ["learned", "free", "free"]
    assert seen["file", 0] == popaug.Schedule.load("rcifar10-paper").stretch(4)


def test_the_report_of_the_search_behind_it(tmp_path: pathlib.Path) -> None:
    run = popaug.search(popaug.toy_round, "pba", 2, epochs=3, out=tmp_path / "search", show=False)
    found = popaug.compare(lambda t: 0.5 + t.seed / 100 + (t.arm == "schedule") / 10, run=run, arms=["none", "schedule"],
                           out=tmp_path / "run", show=False)  # fmt: skip
    for folder in ("run", "search"):
        command = [BUILD / "popaug", "report", tmp_path / folder, "--no-images"]
        subprocess.run(command, check=True, capture_output=True)
        assert found.verdict in (tmp_path / folder / "report.html").read_text()
    done = subprocess.run([BUILD / "popaug", "report", tmp_path / "run", "--format", "json"], capture_output=True)
    assert json.loads(done.stdout)["compare"] == found.to_json()


def test_a_lower_loss_is_better(tmp_path: pathlib.Path) -> None:
    def loss(training: popaug.Training) -> float:
        return (
            {"mine": 1.5, "flipcrop": 2.5}[training.arm]
            + training.seed / 100
            + (training.arm == "mine") * 0.001 * training.seed
        )

    arms: dict[str, Any] = {"mine": darker, "flipcrop": "flipcrop"}
    found = popaug.compare(loss, arms=arms, seeds=3, mode="min", out=tmp_path / "run", show=False)
    assert found.metric == "loss" and found.arm("mine")["score"] == pytest.approx(1.511)
    assert found.arm("mine")["better"] and not found.arm("flipcrop")["better"]
    assert found.arm("mine")["free"][0]["difference"] == pytest.approx(-0.999)
    assert "mine: better than flip + crop (-0.999 ± " in found.verdict and " in loss against" in found.verdict
    subprocess.run([BUILD / "popaug", "report", tmp_path / "run"], check=True, capture_output=True)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "1.5110" in page and "lower is better" in page and "test error" not in page


def test_a_training_is_a_member(tmp_path: pathlib.Path) -> None:
    def train_round(member: popaug.Member) -> float:
        assert (member.index, member.round, member.first_epoch, member.evaluate) == (0, 0, 0, True)
        assert list(member) == list(range(member.epochs)) == list(range(member.total_epochs))
        state = member.load(default=1.0)
        member.save(state)
        return float(member.settings["score"])

    found = popaug.compare(train_round, arms=["none", "trivial"], seeds=2, epochs=3, trainer={"score": 0.25},
                           out=tmp_path / "run", show=False)  # fmt: skip
    assert found.arm("none")["error"] == 75
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "compare.json", "compare.md", "config.toml", "lock", "plan.json", "runs.jsonl"]  # fmt: skip


# --- transforms of the user ---------------------------------------------------------------------------


def test_a_transform_gets_each_image_as_its_library_passes_it() -> None:
    class Halves(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            assert image.dtype == torch.uint8 and image.shape == (3, 8, 8)
            return image // 2

    want = IMAGES // 2
    for transform in (darker, Halves()):
        own = popaug.OwnTransform(transform, "mine", epochs=5)
        assert own.epochs == 5 and own.stretch(7).epochs == 7
        assert np.array_equal(own(IMAGES, samples=0), want)
        tensor = own(torch.from_numpy(IMAGES).permute(0, 3, 1, 2), samples=0)
        assert isinstance(tensor, torch.Tensor) and np.array_equal(tensor.permute(0, 2, 3, 1).numpy(), want)
        floats = own(IMAGES, 1, samples=0, output="float32", mean=[0.5] * 3, std=[0.25] * 3)
        assert np.allclose(floats, ((want / 255 - 0.5) / 0.25).transpose(0, 3, 1, 2), atol=1e-6)
    assert np.array_equal(popaug.OwnTransform(darker, "mine")(IMAGES[0, ..., 0], samples=0), want[0, ..., 0])


def test_its_draws_follow_from_the_key_alone() -> None:
    def noisy(image: np.ndarray) -> np.ndarray:
        shift = random.randrange(50) + np.random.randint(50) + int(torch.randint(50, ()))
        return (image // 2 + shift).astype(np.uint8)

    own = popaug.OwnTransform(noisy, "noisy")
    before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().tolist()  # type: ignore[union-attr]
    whole = own(IMAGES, 2, 1, samples=0)
    assert before == (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().tolist())  # type: ignore[union-attr]
    assert np.array_equal(own(IMAGES[3:], 2, 1, samples=[3, 4, 5]), whole[3:])
    for other in (own(IMAGES, 3, 1, samples=0), own(IMAGES, 2, 2, samples=0), own(IMAGES, 2, 1, samples=9)):
        assert not np.array_equal(other, whole)
    epoch = pt.Epoch(total=1)
    epoch.set(0)
    batches = [pt.loader(list(IMAGES), own, epoch, seed=1, batch_size=3, output="uint8", num_workers=n) for n in (0, 1)]
    first, second = (torch.cat(list(batch)) for batch in batches)
    assert torch.equal(first, second)
    assert np.array_equal(first.permute(0, 2, 3, 1).numpy(), own(IMAGES, 0, 1, samples=0))


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        (lambda image: image / 255, r"mine returned float64 of shape \(8, 8, 3\)"),
        (
            lambda image: image[:4],
            r"mine returned uint8 of shape \(4, 8, 3\) for an image of uint8 and shape \(8, 8, 3\)",
        ),
        (7, "mine is a int, which cannot be called"),
    ],
)
def test_what_a_transform_may_not_give(transform: Any, sentence: str) -> None:
    with pytest.raises(popaug.UsageError, match=sentence):
        popaug.OwnTransform(transform, "mine")(IMAGES, samples=0)


# --- what cannot be compared ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"arms": ["trivia"]}, 'nearest|"trivial"'),
        ({"arms": ["schedule"]}, 'the arm "schedule" needs a learned schedule'),
        ({"arms": ["choose"]}, "chosen on validation images"),
        ({"arms": ["trivial@9"]}, "all arms train for as many epochs"),
        ({"arms": ["none", "none"]}, '"none" is listed twice'),
        ({"arms": [darker]}, "has no name to be an arm by"),
        ({"arms": {"two\nlines": darker}}, "cannot name an arm"),
        ({"arms": {"mine": 7}}, "mine is a int"),
        ({"arms": {"mine": "nothing.json"}}, "nothing.json"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 1]}, "1 is listed twice"),
        ({"epochs": 0}, "epochs"),
        ({"workers": 0}, "at least 1"),
        ({"metric": "loss", "mode": "max"}, "contradict each other"),
        ({"schedule": "rcifar10-paper", "run": "."}, "contains no search|both name a schedule"),
        ({"processes": True}, "cannot be imported by a worker process"),
    ],
)
def test_settings_are_checked_before_work(arguments: dict[str, Any], sentence: str, tmp_path: pathlib.Path) -> None:
    def refuse(training: popaug.Training) -> float:
        raise AssertionError("it trained")

    given: dict[str, Any] = {"arms": ["none"], "epochs": 2, "show": False, "out": tmp_path / "run"}
    with pytest.raises(popaug.Error, match=sentence):
        popaug.compare(refuse, **(given | arguments))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (73.4, r'the arm "none" under seed 0: the score is 73.4; the accuracy is a share of 0..1'),
        (float("nan"), "not a finite number"),
        ("good", "train returned a str; expected the score"),
    ],
)
def test_scores_that_cannot_be(returned: Any, sentence: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(popaug.UsageError, match=sentence):
        popaug.compare(lambda training: returned, arms=["none"], epochs=2, out=tmp_path / "run", show=False)


def test_a_process_that_fails_or_dies_says_so(tmp_path: pathlib.Path) -> None:
    more: dict[str, Any] = {"arms": ["none"], "epochs": 2, "processes": True, "show": False}
    with pytest.raises(ZeroDivisionError, match="my own mistake") as caught:
        popaug.compare(fails_in_a_process, seeds=1, out=tmp_path / "run", **more)
    assert any("in fails_in_a_process" in note for note in caught.value.__notes__)
    with pytest.raises(popaug.Error, match='the process of the arm "none" under seed 1 ended with status 7'):
        popaug.compare(fails_in_a_process, seeds=[1], out=tmp_path / "other", **more)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_and_resumes(
    workers: int, tmp_path: pathlib.Path, reference: tuple[pathlib.Path, popaug.Comparison]
) -> None:
    def interrupted(training: popaug.Training) -> popaug.Result:
        if training.arm == "flipcrop" and training.seed == 1:
            os.kill(os.getpid(), signal.SIGINT)
            while workers > 1:  # until the interrupt reaches this thread
                training.progress(0.5)
                time.sleep(0.01)
        return train(training)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            popaug.compare(interrupted, arms=ARMS, out=tmp_path / "run", workers=workers, **SMALL)
    finally:
        signal.signal(signal.SIGINT, before)
    assert any("resume=True" in note for note in caught.value.__notes__)
    popaug.compare(train, arms=ARMS, out=tmp_path / "run", resume=True, **SMALL)
    assert repeatable(tmp_path / "run") == repeatable(reference[0])


def test_the_free_arms_are_those_of_the_program(tmp_path: pathlib.Path) -> None:
    """Some of them mix images, so the training takes its batches from a loader that gives both labels."""
    data = [(image, k % 2) for k, image in enumerate(IMAGES)]
    mixed = set()

    def trained(training: popaug.Training) -> float:
        epoch = pt.Epoch(training.epochs)
        loader = pt.loader(data, training.schedule, epoch, training.seed, batch_size=3, output="uint8")
        total = 0.0
        for number in training:
            epoch.set(number)
            for images, labels in loader:
                total += float(images.float().mean()) / 255
                if isinstance(labels, pt.MixedLabels):
                    mixed.add(training.arm)
        return total / training.epochs / 2

    found = popaug.compare(trained, arms="free", seeds=2, epochs=2, out=tmp_path / "free", show=False)
    names = [arm["name"] for arm in found.arms]
    assert names == _core.free_arms() and {"dihedral", "trivial-0.5", "trivial+cutmix"} <= set(names)
    assert mixed == {"flipcrop+cutmix", "flipcrop+mixup", "trivial+cutmix"}
    more = ["autoaugment-svhn", "free", "trivial"]  # a name beside it is no second arm
    plan = popaug.compare(trained, arms=more, seeds=2, epochs=2, out=tmp_path / "free", resume=True, show=False)
    assert [arm["name"] for arm in plan.arms] == ["autoaugment-svhn", *(n for n in names if n != "trivial"), "trivial"]
    by_name = popaug.compare(
        trained,
        arms={"mine": darker, "free": "free"},
        seeds=2,
        epochs=2,
        out=tmp_path / "free",
        resume=True,
        show=False,
    )
    assert [arm["name"] for arm in by_name.arms] == ["mine", *names]
    with pytest.raises(popaug.UsageError, match='"free" is a list of arms'):
        popaug.compare(trained, arms={"all": "free"}, seeds=2, epochs=2, out=tmp_path / "all", show=False)
    with pytest.raises(popaug.UsageError, match="mixes images") as caught:  # where no label is at hand
        popaug.compare(train, arms=["trivial+cutmix"], out=tmp_path / "plain", **SMALL)
    assert "popaug.torch.loader" in str(caught.value)


def test_the_defaults_that_the_signature_shows_are_those_of_the_library() -> None:
    plan = json.loads(_core.default_plan())
    shown = {name: p.default for name, p in inspect.signature(popaug.compare).parameters.items()}
    assert {name: shown[name] for name in ("seeds", "clean_share")} == {n: plan[n] for n in ("seeds", "clean_share")}
