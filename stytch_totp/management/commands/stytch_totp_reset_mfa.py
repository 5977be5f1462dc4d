from stytch_totp.management.members import MemberCommand
from stytch_totp.operations.support import Act


class Command(MemberCommand):
    help = "Remove a member's TOTP, recovery codes and sessions. The next login asks them to enrol anew."
    act = Act.RESET_MFA
