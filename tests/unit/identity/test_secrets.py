"""Passphrases, credentials and derived keys."""

import pytest
from cryptography.exceptions import InvalidTag

from services.identity.secrets import MasterSecret, Passphrases, is_service_credential, service_credential

SECRET = MasterSecret("a secret for tests, at least thirty-two characters")


def test_passphrases_are_hashed_as_agreed() -> None:
    passphrases = Passphrases()
    stored = passphrases.hash("tūī river stones")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passphrases.verify("tu\u0304i\u0304 river stones", stored)
    assert not passphrases.verify("tui river stones", stored)


def test_nobody_has_no_passphrase_and_a_broken_hash_fits_none() -> None:
    passphrases = Passphrases(memory_kib=64, passes=1)
    assert not passphrases.verify("anything", None)
    assert not passphrases.verify("anything", "broken")


def test_credentials_are_the_services_own() -> None:
    credential = service_credential("key", "cases")
    assert is_service_credential("key", service="cases", credential=credential)
    assert not is_service_credential("key", service="reporting", credential=credential)
    assert not is_service_credential("other", service="cases", credential=credential)


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert SECRET.key("one") != SECRET.key("two")
    assert SECRET.tag("one", "a", "bc") != SECRET.tag("one", "ab", "c")


def test_what_is_sealed_opens_only_for_its_purpose_and_context() -> None:
    sealed = SECRET.encrypt(b"key", purpose="keys", context="internal 1")
    assert SECRET.decrypt(sealed, purpose="keys", context="internal 1") == b"key"
    with pytest.raises(InvalidTag):
        SECRET.decrypt(sealed, purpose="keys", context="openid 1")
    with pytest.raises(InvalidTag):
        MasterSecret("another secret for tests, thirty-two and more").decrypt(
            sealed, purpose="keys", context="internal 1"
        )
