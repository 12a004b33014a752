from __future__ import annotations

from random import Random

import pytest
from kafka.record import default_records
from kafka.record.util import calc_crc32c

from services.kit.kafka.checksums import use_fast_checksums


@pytest.mark.parametrize("size", [0, 1, 7, 64, 4099])
def test_the_fast_checksum_is_the_one_of_the_client(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_records, "calc_crc32c", calc_crc32c)
    data = memoryview(bytearray(Random(size).randbytes(size + 3)))[3:]
    use_fast_checksums()
    assert default_records.calc_crc32c(data) == calc_crc32c(data)
    assert default_records.calc_crc32c is not calc_crc32c
