"""Mail about passphrases: decode, one call, encode."""

from uuid import UUID

from ascms.identity.v1 import passphrases_pb2 as pb

from kit.rpc.server import Call, read
from services.identity import commands
from services.identity.rpc.base import Methods, encode_moment


class PassphraseMethods(Methods):
    """What the mails to someone about their passphrase need."""

    @read
    def GetPassphraseMail(self, request: pb.GetPassphraseMailRequest, call: Call) -> pb.GetPassphraseMailResponse:
        """With a link, while it works, or without one."""
        link_id = UUID(request.link_id) if request.link_id else None
        person_id = UUID(request.person_id)
        mail = commands.find_reset_mail(self.deps, call.actor, person_id=person_id, link_id=link_id)
        return pb.GetPassphraseMailResponse(
            name=mail.profile.name,
            email=mail.profile.email,
            language=mail.profile.language,
            key=mail.key,
            expires_at=encode_moment(mail.reset.expires_at if mail.reset is not None else None),
        )
