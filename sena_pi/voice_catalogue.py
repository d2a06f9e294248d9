"""Piper voices that may be used by anyone for anything, pinned to the byte.

Chosen by two rules: the model card says that the voice was trained from scratch, and the licence
of what it was trained on allows commercial use. The first rule is the one that costs: most Piper
voices, also those whose own recordings are free (`thorsten`, `siwis`, `alba`, `amy`), were
fine-tuned from `lessac`, whose recordings are licensed for research only. Voices whose ancestry
is told differently in different places (`libritts_r`) are left out too.

Lengths, hashes and licences are those that several unrelated projects publish for the same files,
and agree on; to add a voice, compare at least two, and the model card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REVISION: Final = "c10ece1aade47bb51c153c893d14e5bf8e5b7117"
BASE_URL: Final = f"https://huggingface.co/rhasspy/piper-voices/resolve/{REVISION}"
"""The voices' repository, at one commit of September 2026: what is behind it can't change."""


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A file as it must be.

    Attributes:
        size_bytes: its length.
        sha256: its hash, in lower case hexadecimal.
    """

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CatalogueVoice:
    """A voice that can be installed.

    Attributes:
        name: as Piper names it: language, speaker, quality.
        about: who is heard, for a person who chooses.
        licence: of the recordings it was trained on, with whom to name where that is asked for.
        model: the `.onnx` file.
        settings: the `.onnx.json` file.
    """

    name: str
    about: str
    licence: str
    model: VoiceFile
    settings: VoiceFile

    @property
    def size_bytes(self) -> int:
        """Of both files."""
        return self.model.size_bytes + self.settings.size_bytes

    @property
    def path(self) -> str:
        """Where its model lies below `BASE_URL`."""
        language, speaker, quality = self.name.split("-")
        return f"{language.partition('_')[0]}/{language}/{speaker}/{quality}/{self.name}.onnx"


_LIBRIVOX = "public domain (LibriVox)"
_MLS = "CC BY 4.0 (Multilingual LibriSpeech: Pratap et al., 2020, openslr.org/94)"

VOICES: Final = (
    CatalogueVoice(
        "en_US-ljspeech-medium",
        "American English, a woman",
        "public domain (LJ Speech)",
        VoiceFile(63_531_379, "6f52a751e2349abe7a76735eb09dc1875298c77ea2342ffd2fef79ff81b87f22"),
        VoiceFile(4_972, "141d612cc0a95ed7efc1ca936b845c2364967f2e9217c5dbfcf69fc4d6c65860"),
    ),
    CatalogueVoice(
        "en_US-kristin-medium",
        "American English, a woman",
        _LIBRIVOX,
        VoiceFile(63_531_379, "5849957f929cbf720c258f8458692d6103fff2f0e3d3b19c8259474bb06a18d4"),
        VoiceFile(4_968, "5681426d4aead22195de70531eeeeddb46493cfaffc5764b2ea3db73428b651c"),
    ),
    CatalogueVoice(
        "en_US-norman-medium",
        "American English, a man",
        _LIBRIVOX,
        VoiceFile(63_531_379, "b9739443232a80a59c7d18810dd856899bf16a7964725f5ab81ea49b1351cb71"),
        VoiceFile(4_968, "6c2db7f558a4a8deb9fe822583c1c5105f6c4e834dd0f9de8ad17a888ee9fe1d"),
    ),
    CatalogueVoice(
        "en_GB-cori-medium",
        "British English, a woman",
        _LIBRIVOX,
        VoiceFile(63_531_379, "1899f98e5fb8310154f3c2973f4b8a929ba7245e722b3d3a85680b833d95f10d"),
        VoiceFile(4_966, "e262c16d7f192f69d4edd6b4ef8a5915379e67495fcc402f1ab15eeb33da3d36"),
    ),
    CatalogueVoice(
        "de_DE-mls-medium",
        "German, many speakers; the first one is heard",
        _MLS,
        VoiceFile(76_961_079, "69cd1d2aa5a35839a518966fcc4924b5f93e5f8c948ed0752b1a616ad53f65bf"),
        VoiceFile(8_948, "b0af1c89ddfdc72d32e015729b0e89b99eec13c2c8caa1db7488d98e9e570b40"),
    ),
    CatalogueVoice(
        "fr_FR-mls-medium",
        "French, many speakers; the first one is heard",
        _MLS,
        VoiceFile(76_733_750, "0ed223f78466917f2bae05ee90096ce69ab1fdeb251f55590d0e7422d234e162"),
        VoiceFile(7_036, "252b0b0a6e4cc4949e23eccb956f9c779986c32f934f2f7e2191e5fdc2edca61"),
    ),
    CatalogueVoice(
        "es_ES-carlfm-x_low",
        "Spanish, a man; small and fast",
        "public domain (carlfm01/my-speech-datasets)",
        VoiceFile(28_130_791, "d69677323a907cd4963f42b29c20a98b5d6bfa7f3e64df339915e4650c00d125"),
        VoiceFile(4_159, "d9bdfa9ff01eb2bc9e62e7d2593939d1e4c4d8eb7cf75f972731539d12399966"),
    ),
    CatalogueVoice(
        "it_IT-riccardo-x_low",
        "Italian, a man; small and fast",
        "M-AILABS, free with its notice (caito.de, the M-AILABS speech dataset)",
        VoiceFile(28_130_791, "1368de15f123275a7ef951c9e5e30be0f58a032daa14a0da44037443c1d1d21b"),
        VoiceFile(4_161, "146ab9c634afe524e9fb7530f2510df7a42fb1db56b52658ca1fb3d98001a62a"),
    ),
)
