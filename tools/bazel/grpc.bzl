"""cc_grpc_library: the grpc_cpp_plugin's output for the services of one proto_library."""

def _grpc_codegen_impl(ctx):
    info = ctx.attr.proto[ProtoInfo]
    headers = []
    sources = []
    for source in info.direct_sources:
        stem = source.basename[:-len(".proto")]
        headers.append(ctx.actions.declare_file(stem + ".grpc.pb.h"))
        sources.append(ctx.actions.declare_file(stem + ".grpc.pb.cc"))
    args = ctx.actions.args()
    args.add("--plugin=protoc-gen-grpc=" + ctx.executable._plugin.path)

    # The plugin writes below this directory by import path, which is the path below api/.
    args.add("--grpc_out=" + ctx.bin_dir.path + "/api")
    for path in info.transitive_proto_path.to_list():
        args.add("-I" + path)
    args.add_all(info.direct_sources)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        arguments = [args],
        inputs = info.transitive_sources,
        tools = [ctx.executable._plugin],
        outputs = headers + sources,
        mnemonic = "GrpcCpp",
        progress_message = "Generating gRPC code for %s" % ctx.label,
    )
    return [
        DefaultInfo(files = depset(headers + sources)),
        OutputGroupInfo(headers = depset(headers), sources = depset(sources)),
    ]

_grpc_codegen = rule(
    implementation = _grpc_codegen_impl,
    attrs = {
        "proto": attr.label(mandatory = True, providers = [ProtoInfo]),
        "_protoc": attr.label(
            default = "@com_google_protobuf//:protoc",
            executable = True,
            cfg = "host",
        ),
        "_plugin": attr.label(
            default = "@com_google_protobuf//:grpc_cpp_plugin",
            executable = True,
            cfg = "host",
        ),
    },
)

def cc_grpc_library(name, proto, deps, **kwargs):
    """Client and server stubs of the services of a proto_library below api/ in the calling package.

    The headers are included by their path below api/: `#include "envoy/service/discovery/v3/ads.grpc.pb.h"`.

    Args:
      name: name of the cc_library.
      proto: the proto_library.
      deps: its cc_proto_library, and those whose headers its own include.
      **kwargs: further attributes of the cc_library.
    """
    _grpc_codegen(
        name = name + "_codegen",
        proto = proto,
    )
    native.filegroup(
        name = name + "_headers",
        srcs = [name + "_codegen"],
        output_group = "headers",
    )
    native.filegroup(
        name = name + "_sources",
        srcs = [name + "_codegen"],
        output_group = "sources",
    )
    native.cc_library(
        name = name,
        srcs = [name + "_sources"],
        hdrs = [name + "_headers"],
        strip_include_prefix = "/api",
        deps = deps + ["@system//:grpc"],
        **kwargs
    )
