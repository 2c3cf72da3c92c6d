#pragma once

#include <string>

namespace nuncio::tls {

// Takes what the thread's queue of BoringSSL's errors holds, as "TLS_error:|268435581:SSL routines:OPENSSL_internal:
// CERTIFICATE_VERIFY_FAILED:TLS_error_end"; empty where it holds none. Holds reasons only, never bytes of keys.
// `detail`, where not empty, is added to the last of them.
std::string TakeErrorText(const std::string& detail = {});

// Only the reason of the first error, as "NO_START_LINE"; empties the queue.
std::string TakeErrorReason();

}  // namespace nuncio::tls
