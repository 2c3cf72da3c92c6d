"""Where a proxy is to stand."""
import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Place:
    folder: pathlib.Path
    port: int
    admin_port: int
    upstream_port: int
    workers: int
    certificate: pathlib.Path
    key: pathlib.Path
    # Both in one file.
    certificate_and_key: pathlib.Path

    @property
    def access_log(self):
        return self.folder / "access.log"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path
