"""The signed manifest of a report: whoever holds its workbook, CSV or JSON can tell whether it is the one given."""

from dataclasses import dataclass

from carbonfin.kernel.cryptography import Signer, sha256_hex
from carbonfin.rules.record import canonical_json
from reporting import workbooks
from reporting.calc.reports import SubsidyReport
from reporting.service.reports import file_stem


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file of a report."""

    name: str
    byte_count: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportManifest:
    """What a report consists of, and whose key vouches for it.

    Attributes:
        report_digest: SHA-256 over the report's content, as its files print it.
        public_key: Enough to check the signature elsewhere; whose it is, the bureau says by another way.
    """

    report_id: str
    quarter: str
    as_of: str
    report_digest: str
    files: tuple[ManifestFile, ...]
    algorithm: str
    key_id: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedManifest:
    """The canonical JSON of a manifest, and the signature over its UTF-8 bytes."""

    manifest: str
    signature: str

    @property
    def file(self) -> bytes:
        """Both as one JSON file."""
        return canonical_json(self).encode()


def signed_manifest(report: SubsidyReport, signer: Signer) -> SignedManifest:
    """Give the manifest of workbook, CSV and JSON with its signature.

    The signature is over the UTF-8 bytes of `manifest`, which is kept as text so that nothing has to be written anew
    to check it. The same report has the same manifest; a signature by ECDSA differs each time it is made.
    """
    stem = file_stem(report)
    contents = {
        "xlsx": workbooks.report_xlsx(report), "csv": workbooks.report_csv(report),
        "json": workbooks.report_json(report),
    }  # fmt: skip
    manifest = canonical_json(
        ReportManifest(
            report_id=report.report_id, quarter=report.quarter, as_of=report.as_of.isoformat(),
            report_digest=report.digest,
            files=tuple(
                ManifestFile(name=f"{stem}.{ending}", byte_count=len(content), sha256=sha256_hex(content))
                for ending, content in contents.items()
            ),
            algorithm=signer.algorithm, key_id=signer.key_id, public_key=signer.public_key,
        )
    )  # fmt: skip
    return SignedManifest(manifest=manifest, signature=signer.sign(manifest.encode()))
