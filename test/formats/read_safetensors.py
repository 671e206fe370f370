"""Reads a safetensors file with the standard library, numpy and torch alone, and prints what is in it as JSON."""
import json, struct, sys
import numpy, torch

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4",
         "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?"}
with open(sys.argv[1], "rb") as file:
    length = struct.unpack("<Q", file.read(8))[0]
    header = json.loads(file.read(length).decode("utf-8"))
    data = file.read()
found = {"__metadata__": header.pop("__metadata__", {}), "aligned": (8 + length) % 8 == 0}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    if entry["dtype"] == "BF16":
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.bfloat16).double()
    else:
        values = numpy.frombuffer(data[begin:end], NUMPY[entry["dtype"]])
        if entry["dtype"] == "F32":
            values = torch.from_numpy(values.copy()).double()
    found[name] = {"shape": list(values.reshape(entry["shape"]).shape), "values": [str(v) for v in values.reshape(-1).tolist()]}
print(json.dumps(found))
