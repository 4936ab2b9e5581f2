"""The installed package: a program that knows nothing of the source tree builds against it and runs."""

import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(os.environ["POPAUG_SOURCE"])
BUILD = pathlib.Path(os.environ["POPAUG_BUILD"])


def run(*command: str, **options) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def test_the_example_builds_against_the_installed_package(tmp_path: pathlib.Path) -> None:
    prefix = tmp_path / "prefix"
    run("cmake", "--install", str(BUILD), "--prefix", str(prefix))
    example = tmp_path / "source"
    shutil.copytree(SOURCE / "examples" / "embed", example)
    build = tmp_path / "build"
    run("cmake", "-G", "Ninja", "-S", str(example), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", str(build))
    # Elsewhere than where it was installed first, and without the build folder in reach.
    moved = tmp_path / "moved"
    prefix.rename(moved)
    library = next(moved.rglob("libpopaug.so")).parent
    out = run(str(build / "embed"), env={"LD_LIBRARY_PATH": str(library), "PATH": os.environ["PATH"]})
    assert out.startswith("augmented 256 images; "), out
    needed = run("ldd", str(build / "embed"), env={"LD_LIBRARY_PATH": str(library), "PATH": os.environ["PATH"]})
    assert "torch" not in needed
    assert str(BUILD) not in needed, needed
    # The installed program starts too, with the library beside it.
    assert run(str(moved / "bin" / "popaug"), "--version").startswith("popaug ")


def test_private_headers_are_not_installed(tmp_path: pathlib.Path) -> None:
    run("cmake", "--install", str(BUILD), "--prefix", str(tmp_path))
    headers = {path.name for path in (tmp_path / "include").rglob("*.h")}
    assert {"augment.h", "augmenter.h", "policy.h", "base.h", "image.h"} <= headers
    private = [name for name in headers if name.endswith(("_test.h", "_simd.h", "_plain.h", "_torch.h"))]
    assert private == []
