"""Checks that signatures are compared in constant time (row 136 of the catalogue).

Keyed hashes are made and compared in one folder, by the comparison of swift-crypto, and nothing elsewhere compares a
signature or a secret by itself."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGETS = ("PusherProtocol", "ParleyServer", "parley")
HOME = "PusherProtocol/Signatures"
KEYED = re.compile(r"\b(HMAC|SymmetricKey|isValidAuthenticationCode|authenticationCode|safeCompare)\b")
# Making a signature is what comes before comparing it.
SIGNING = re.compile(r"\bPusherSign\w+\.sign\(")
COMPARISON = re.compile(
    r"==|!=|~=|\b(elementsEqual|lexicographicallyPrecedes|starts|hasPrefix|hasSuffix|caseInsensitiveCompare)\b")
# Of names that mean such a thing: as words, and as parts of compound ones.
WATCHED = re.compile(r"\b\w*([sS]ignature|[sS]ecret|[hH]mac|[aA]uthenticationCode)s?\b|\b(auth|mac)\b")
# What may stand beside a comparison: that there is one, how long it is, whose it is.
HARMLESS = re.compile(
    r"\b\w*([sS]ignature|[sS]ecret|auth)s?\??\.(count|isEmpty|key)\b|PusherSignature\.digits|\w+\s*[!=]=\s*nil\b")
# swift-crypto compares authentication codes in constant time, also with `==`.
CONSTANT_TIME = re.compile(r"isValidAuthenticationCode\(|\.finalize\(\) == ")


def code_of(line):
    """The line without its strings and its comment."""
    return re.sub(r"//.*", "", re.sub(r'"(\\.|[^"\\])*"', '""', line))


def problems_in(lines, is_home):
    """The faults of a file: line number and words."""
    inside = None  # the function that decides: its line, whether it has compared, and its indentation
    for number, line in enumerate(lines, 1):
        code = code_of(line)
        is_constant = CONSTANT_TIME.search(code) is not None
        if is_home:
            if match := re.match(r"(\s*).*\bfunc isValid\b", code):
                inside = [number, False, match.group(1)]
            elif inside and is_constant:
                inside[1] = True
            elif inside and line == inside[2] + "}":
                if not inside[1]:
                    yield inside[0], "decides without swift-crypto's comparison in constant time"
                inside = None
            if COMPARISON.search(code) and not is_constant and not re.search(r"\.count\b", code):
                yield number, "compares by itself; use HMAC.isValidAuthenticationCode"
            continue
        if KEYED.search(code):
            yield number, f"keyed hashes belong into Sources/{HOME}"
        if SIGNING.search(code):
            yield number, "makes a signature, which is for comparing it; use PusherSignature.isValid"
        if COMPARISON.search(code) and WATCHED.search(HARMLESS.sub("", code)):
            yield number, "compares a signature or a secret; use PusherSignature.isValid"


def problems(root):
    for target in TARGETS:
        for path in sorted((root / "Sources" / target).rglob("*.swift")):
            relative = path.relative_to(root / "Sources")
            for number, words in problems_in(path.read_text().splitlines(), relative.as_posix().startswith(HOME + "/")):
                yield f"Sources/{relative}:{number}: {words}"
    home = root / "Sources" / HOME
    if not any(CONSTANT_TIME.search(path.read_text()) for path in home.rglob("*.swift")):
        yield f"Sources/{HOME}: nothing compares in constant time; has it moved?"


if __name__ == "__main__":
    found = list(problems(ROOT))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
