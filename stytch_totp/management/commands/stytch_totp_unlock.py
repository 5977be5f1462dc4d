from stytch_totp.management.members import MemberCommand
from stytch_totp.operations.support import Act


class Command(MemberCommand):
    help = "Lift the locks of a member. Their codes and sessions stay."
    act = Act.UNLOCK
