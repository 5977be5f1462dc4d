from __future__ import annotations

import uuid

from django.db import models

from stytch_totp.conf import conf

_PRIVATE = "stytch_totp_signingkey.sealed_private"


class SigningKey(models.Model):
    """An RSA key that signs session JWTs. One is current; retired ones stay published until they are deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: "current" on the key that signs, NULL on the others: at most one, on every database.
    current = models.CharField(max_length=16, unique=True, null=True)
    sealed_private = models.BinaryField()
    n = models.TextField()
    e = models.CharField(max_length=16)
    created_at = models.BigIntegerField()
    #: When another took its place; NULL on the key that signs.
    retired_at = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    def seal(self, pem: bytes) -> None:
        self.sealed_private = conf().keys.seal(pem, _PRIVATE, str(self.pk))

    def reveal(self) -> bytes:
        """The private key as PEM. Raises SealError."""
        return conf().keys.open(self.sealed_private, _PRIVATE, str(self.pk))
