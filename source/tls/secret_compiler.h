#pragma once

#include <memory>

#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/tls/secret/secret.h"

// Parts of context_compiler.h. Each reads its message and checks what it read; null with faults.
namespace nuncio::tls {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;

std::shared_ptr<Secret> CompileCertificate(const v3::TlsCertificate& message, config::DataSourceAccess access,
                                           config::Faults& faults);
std::shared_ptr<Secret> CompileValidation(const v3::CertificateValidationContext& message,
                                          config::DataSourceAccess access, config::Faults& faults);
std::shared_ptr<Secret> CompileTicketKeys(const v3::TlsSessionTicketKeys& message, config::DataSourceAccess access,
                                          config::Faults& faults);

}  // namespace nuncio::tls
