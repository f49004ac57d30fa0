"""Parquet files as data sets have them, by pyarrow: every compressor, several row groups, dictionaries or not.

    python tooling/golden/parquet.py

writes apps/bench/test/golden/parquet.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

folder = Path(__file__).parents[2] / "apps/bench/test/golden/parquet"
folder.mkdir(parents=True, exist_ok=True)
texts = [f"Document {i}: {'Étude 漢字 ' * (i % 4)}line\nnext line {i * i}" for i in range(25)]
table = pa.table({"id": list(range(25)), "text": texts, "meta": [{"url": f"x{i}"} for i in range(25)]})
for compression in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
    pq.write_table(table, folder / f"{compression}.parquet", compression=compression, row_group_size=10)
pq.write_table(
    table.set_column(1, "text", pa.array(texts, pa.large_string())),
    folder / "plain-v2.parquet",
    compression="zstd",
    use_dictionary=False,
    data_page_version="2.0",
)
pq.write_table(pa.table({"meta": [{"text": "a"}]}), folder / "nested.parquet")
pq.write_table(pa.table({"text": ["a", None, "b"]}), folder / "nulls.parquet")
