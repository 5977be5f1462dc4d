"""What visitors type, met half-way. A form shapes; whether a code is right is for the operations to say."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from stytch_totp.core import codes, totp

#: What apps put between the digits of a code, and what is copied along with it.
_SPACES = dict.fromkeys(map(ord, " \u00a0\u2009\u202f-\t"))


class OneTimeInput(forms.TextInput):
    """A field that comes back empty: a code that was refused isn't typed better, but replaced by the next."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class CodeForm(forms.Form):
    """A TOTP code, with or without the gap that apps show in the middle."""

    code = forms.CharField(
        label=_("Six-digit code"),
        help_text=_("Your authenticator app shows a new one every 30 seconds."),
        error_messages={"required": _("Enter the six digits that your app shows.")},
        max_length=32,
        widget=OneTimeInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "class": "code"}
        ),
    )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).translate(_SPACES)
        if not totp.is_code(code):
            raise forms.ValidationError(_("A code has six digits and nothing else."))
        return code


class RecoveryCodeForm(forms.Form):
    """A recovery code, in any spelling that the operation takes for one."""

    code = forms.CharField(
        label=_("Recovery code"),
        help_text=_("One of those that you kept when you set up your app. Each works once."),
        error_messages={"required": _("Enter one of your recovery codes.")},
        max_length=codes.LONGEST,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "code"}
        ),
    )
