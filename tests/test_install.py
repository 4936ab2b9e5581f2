"""The installed package: a program that knows nothing of the source tree builds against it and runs."""

import concurrent.futures
import os
import pathlib
import re
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


def installed_headers(prefix: pathlib.Path) -> list[str]:
    run("cmake", "--install", str(BUILD), "--prefix", str(prefix))
    folder = prefix / "include"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.h"))


def test_private_headers_are_not_installed(tmp_path: pathlib.Path) -> None:
    headers = installed_headers(tmp_path)
    names = {"augment.h", "augmenter.h", "policy.h", "base.h", "image.h"}
    assert names <= {pathlib.PurePath(header).name for header in headers}
    private = [name for name in headers if "/internal/" in name or name.endswith("_test.h")]
    assert private == []


def test_every_installed_header_compiles_alone() -> None:
    # At the same place in every run, so that the compiler's cache knows a header that has not changed.
    folder = BUILD / "header-check"
    shutil.rmtree(folder, ignore_errors=True)
    headers = installed_headers(folder / "prefix")
    cache = (BUILD / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    assert compiler
    ccache = shutil.which("ccache")
    environment = os.environ | {"CCACHE_BASEDIR": str(BUILD), "CCACHE_NOHASHDIR": "1"}

    def compiled(header: str) -> str:
        source = folder / (header.replace("/", "-") + ".cc")
        # Twice: a header also guards against being included again.
        source.write_text(f'#include "{header}"\n#include "{header}"\n')
        command = [*([ccache] if ccache else []), compiler[1], "-std=c++20", "-Wall", "-Wextra", "-Werror"]
        command += [f"-I{folder / 'prefix' / 'include'}", "-c", str(source), "-o", f"{source}.o"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environment
        )
        return "" if done.returncode == 0 else done.stdout

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(compiled, headers) if fault]
    shutil.rmtree(folder)
    assert len(headers) > 50
    assert not faults, "\n".join(faults)
