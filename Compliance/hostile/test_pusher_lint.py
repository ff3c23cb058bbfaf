"""Signatures are compared in constant time (row 136, and trap 9 of the protocol's notes).

That is structure, which scripts/lint checks; here it is checked that it finds what it is for.
"""

import shutil
import sys

import pytest

import wire

sys.path.insert(0, str(wire.ROOT / "scripts" / "lib"))

import constant_time  # noqa: E402

SIGNATURES = "Signatures/PusherSignature.swift"


@pytest.fixture
def sources(tmp_path):
    """A copy of the sources; `change` puts something else into one of them."""
    for target in constant_time.TARGETS:
        shutil.copytree(wire.ROOT / "Sources" / target, tmp_path / "Sources" / target)

    def change(file, old, new):
        path = tmp_path / "Sources" / "PusherProtocol" / file
        text = path.read_text()
        assert old in text, f"{old} is not in {file} any more"
        path.write_text(text.replace(old, new))
        return list(constant_time.problems(tmp_path))

    change.root = tmp_path
    return change


def test_the_sources_are_in_order(sources):
    assert list(constant_time.problems(sources.root)) == []


@pytest.mark.parametrize("file, old, new", [
    (SIGNATURES, "HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key(secret))",
     "sign(message, with: secret).elementsEqual(signature)"),
    (SIGNATURES, "HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key(secret))",
     "code == Array(HMAC<SHA256>.authenticationCode(for: message, using: key(secret)))"),
    (SIGNATURES, "HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key(secret))",
     "equal(code, message)"),
    ("Node/PusherAppRuntime.swift", "PusherSignature.isValid(auth[(colon + 1)...], of: message, with: pair.secret)",
     "PusherSignature.sign(message, with: pair.secret).elementsEqual(auth[(colon + 1)...])"),
    ("Node/PusherAppRuntime.swift", "PusherSignature.isValid(auth[(colon + 1)...], of: message, with: pair.secret)",
     "expected == signature"),
    ("Node/PusherAppRuntime.swift", "PusherSignature.isValid(auth[(colon + 1)...], of: message, with: pair.secret)",
     "Array(HMAC<SHA256>.authenticationCode(for: message, using: pair.secret)) == auth"),
], ids=lambda text: text[:40])
def test_another_comparison_is_found(sources, file, old, new):
    found = sources(file, old, new)
    assert found and all(file in line for line in found), found
