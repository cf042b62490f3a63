"""Writes what a release delivers: archives, the same for the same commit, and the template without builds.

Usage: python release_archive.py ARCHIVE NAME=FILE…      writes a ZIP archive of these files
       python release_archive.py --template ARCHITECTURE  from standard input to standard output"""

import os
import pathlib
import re
import sys
import time
import zipfile


def write_archive(archive, members):
    """Lambda needs the bootstrap of a function to be executable; ZIP knows no time before 1980."""
    moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315_532_800))[:6]
    path = pathlib.Path(archive)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=9) as written:
        for member in members:
            name, _, file = member.partition("=")
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3
            entry.external_attr = (0o100755 if os.access(file, os.X_OK) else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, pathlib.Path(file).read_bytes())


# SAM builds a function that has this, and takes one that has not as it is.
BUILD = re.compile(
    r"^    Metadata:\n      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: [a-z-]+\n", re.M
)
CODE = re.compile(r"^(      CodeUri: functions/[a-z-]+)$", re.M)
ARCHITECTURE = re.compile(
    r"^(  Architecture:\n    Type: String\n)    Default: .*\n    AllowedValues: .*\n    Description: .*\n", re.M
)


def package_template(template, architecture):
    """The template with the functions that are built, for the architecture that they are built for."""
    template, without = BUILD.subn("", template)
    template, archives = CODE.subn(r"\1.zip", template)
    template, fixed = ARCHITECTURE.subn(
        rf"\1    Default: {architecture}\n    AllowedValues: [{architecture}]\n"
        r"    Description: Processor of the functions, which are built for it."
        "\n",
        template,
    )
    functions = template.count("Type: AWS::Serverless::Function")
    if not without == archives == functions or fixed != 1:
        sys.exit(f"the template has another form: {functions} functions, {without} builds, {archives} paths, {fixed}")
    return template


if sys.argv[1] == "--template":
    sys.stdout.write(package_template(sys.stdin.read(), sys.argv[2]))
else:
    write_archive(sys.argv[1], sys.argv[2:])
