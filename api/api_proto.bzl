"""The targets of one directory of protos."""

_WELL_KNOWN = [
    "@com_google_protobuf//:any_proto",
    "@com_google_protobuf//:descriptor_proto",
    "@com_google_protobuf//:duration_proto",
    "@com_google_protobuf//:struct_proto",
    "@com_google_protobuf//:timestamp_proto",
    "@com_google_protobuf//:wrappers_proto",
]

def api_proto_package(deps = []):
    """Declares `proto` and `cc_proto` over all protos of the calling package.

    Imports are relative to api/, and so are the generated headers: `#include "envoy/config/core/v3/base.pb.h"`.
    The well-known types and the validation rules are there without being named.

    Args:
      deps: packages (`//api/envoy/type/v3`) whose protos are imported.
    """
    native.proto_library(
        name = "proto",
        srcs = native.glob(["*.proto"]),
        strip_import_prefix = "/api",
        deps = [dep + ":proto" for dep in deps] + ["//api/validate:proto"] + _WELL_KNOWN,
    )
    native.cc_proto_library(
        name = "cc_proto",
        deps = [":proto"],
    )
