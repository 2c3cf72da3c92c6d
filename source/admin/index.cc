#include "source/admin/endpoints.h"
#include "source/base/strings.h"

namespace nuncio::admin {

AdminAnswer AnswerIndex(AdminServices& services, const AdminRequest&) {
  std::string out =
      "<!DOCTYPE html>\n"
      "<html lang=\"en\">\n"
      "<head>\n"
      "<meta charset=\"utf-8\">\n"
      "<title>nuncio admin</title>\n"
      "<style>body{font-family:sans-serif;margin:2em}td{padding:.3em 1em .3em 0;vertical-align:top}"
      "form{margin:0}</style>\n"
      "</head>\n"
      "<body>\n"
      "<h1>nuncio admin</h1>\n"
      "<table>\n"
      "<tr><th align=\"left\">Command</th><th align=\"left\">Description</th></tr>\n";
  const auto& admin = services.bootstrap.admin;
  for (const Endpoint& endpoint : Endpoints()) {
    if (endpoint.path == "/") continue;
    if (admin.has_value() && admin->allow_paths.has_value() && !admin->allow_paths->Matches(endpoint.path)) continue;
    const std::string_view name = endpoint.path.substr(1);
    out += "<tr><td>";
    if (endpoint.changes_state) {
      // A button, as neither a prefetched nor a followed link may change anything.
      StrAppend(out, "<form action=\"", name, "\" method=\"post\"><button>", name, "</button></form>");
    } else {
      StrAppend(out, "<a href=\"", name, "\">", name, "</a>");
    }
    out += "</td><td>";
    for (const char c : endpoint.help) {
      switch (c) {
        case '<':
          out += "&lt;";
          break;
        case '>':
          out += "&gt;";
          break;
        default:
          out += c;
          break;
      }
    }
    out += "</td></tr>\n";
  }
  out += "</table>\n</body>\n</html>\n";
  AdminAnswer answer = TextAnswer(200, std::move(out));
  answer.content_type = kTextHtml;
  return answer;
}

}  // namespace nuncio::admin
