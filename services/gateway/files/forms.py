"""The forms of files: what goes in, what it is called, why it is taken out."""

from uuid import UUID

from ascms.documents.v1 import documents_pb2, files_pb2
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField
from wtforms.validators import ValidationError

from kit.web.forms import LongTextField, Needed, TextField
from services.gateway.sending import OnceForm
from services.gateway.versions import SharedForm, VersionForm

MOST_FILES = 5


class UploadForm(OnceForm):
    """Files of a case, with what is said about them."""

    files = MultipleFileField(_l("Files"))
    description = TextField(_l("What they show or say"))
    share = BooleanField(_l("Share with the school"))

    @property
    def chosen(self) -> list[FileStorage]:
        """The files that were chosen; a browser sends an empty one where none was."""
        return [one for one in self.files.data or [] if isinstance(one, FileStorage) and one.filename]

    @property
    def visibility(self) -> files_pb2.DocumentVisibility.ValueType:
        """Who may see them."""
        return visibility(is_shared=self.share.data)

    def validate_files(self, field: MultipleFileField) -> None:
        """At least one, and no more than a phone sends in one go."""
        assert field is self.files
        if not self.chosen:
            raise ValidationError(_("Choose at least one file."))
        if len(self.chosen) > MOST_FILES:
            raise ValidationError(_("Choose at most %(most)s files at once.", most=MOST_FILES))


class DescribeForm(SharedForm):
    """What a file is called and said to be, and who may see it."""

    name = TextField(_l("Name"), validators=[Needed(_l("Give the file a name."))])
    description = TextField(_l("What it shows or says"))
    share = BooleanField(_l("Share with the school"))

    def show(self, document: documents_pb2.Document) -> int:
        """Fill it with what is said about a file now; the version of that."""
        self.name.data, self.description.data = document.name, document.description
        self.share.data = document.visibility == files_pb2.DOCUMENT_VISIBILITY_SCHOOL
        return document.version

    def message(self, document_id: UUID) -> files_pb2.DescribeDocumentRequest:
        """What the service is asked."""
        return files_pb2.DescribeDocumentRequest(
            document_id=str(document_id),
            name=self.name.data or "",
            description=self.description.data or "",
            visibility=visibility(is_shared=self.share.data),
            expected_version=self.seen_version,
        )


class RemoveForm(VersionForm):
    """Why a file does not belong in the case."""

    reason = LongTextField(_l("Why does it not belong here?"), validators=[Needed(_l("Say why."))])

    def message(self, document_id: UUID) -> files_pb2.RemoveDocumentRequest:
        """What the service is asked."""
        return files_pb2.RemoveDocumentRequest(
            document_id=str(document_id), reason=self.reason.data or "", expected_version=self.seen_version
        )


def visibility(*, is_shared: bool) -> files_pb2.DocumentVisibility.ValueType:
    """Who may see a file."""
    return files_pb2.DOCUMENT_VISIBILITY_SCHOOL if is_shared else files_pb2.DOCUMENT_VISIBILITY_PROVIDER
