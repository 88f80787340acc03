# Writes `output`, C++ that holds `page` with `style`, `library`, all of `scripts` and `licence` in it.
# What is filled in later keeps its marks: {{title}}, {{report}}.

# The hash by which the page's Content-Security-Policy lets `text` be run, and nothing else.
function(policy_hash text result)
  string(SHA256 digits "${text}")
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(APPEND digits 00)
  string(REGEX MATCHALL "..." groups "${digits}")
  set(encoded "")
  foreach(group IN LISTS groups)
    math(EXPR high "0x${group} >> 6")
    math(EXPR low "0x${group} & 63")
    string(SUBSTRING "${alphabet}" ${high} 1 first)
    string(SUBSTRING "${alphabet}" ${low} 1 second)
    string(APPEND encoded "${first}${second}")
  endforeach()
  string(REGEX REPLACE ".$" "=" encoded "${encoded}")
  set(${result} "'sha256-${encoded}'" PARENT_SCOPE)
endfunction()

file(READ "${page}" text)
file(READ "${style}" style_text)
file(READ "${library}" library_text)
file(READ "${licence}" licence_text)
set(script_text "")
foreach(script IN LISTS scripts)
  file(READ "${script}" part)
  string(APPEND script_text "${part}")
endforeach()

foreach(embedded style_text library_text script_text)
  string(TOLOWER "${${embedded}}" lower)
  if(lower MATCHES "</(script|style)|<!--|\\)page\"")
    message(FATAL_ERROR "${embedded} would end the element that it stands in")
  endif()
endforeach()
string(REPLACE "&" "&amp;" licence_text "${licence_text}")
string(REPLACE "<" "&lt;" licence_text "${licence_text}")

policy_hash("${style_text}" style_hash)
policy_hash("${library_text}" library_hash)
policy_hash("${script_text}" script_hash)
foreach(name style_hash library_hash script_hash)
  string(REPLACE "{{${name}}}" "${${name}}" text "${text}")
endforeach()
foreach(name style licence library script)
  string(REPLACE "{{${name}}}" "${${name}_text}" text "${text}")
endforeach()

file(WRITE "${output}" "#include \"client/cli/report/page_template.h\"

namespace normd::cli {

const absl::string_view kPageTemplate = R\"page(${text})page\";

}  // namespace normd::cli
")
