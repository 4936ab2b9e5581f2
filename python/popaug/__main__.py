"""python -m popaug VERB ...: the program popaug, of the wheel or else of the PATH."""

from popaug import _program

if __name__ == "__main__":
    _program.main()
