# Files that are compiled into the library: the pages' style sheet and scripts, and d3 for their
# interaction. Each becomes a raw string literal in generated/popaug/report/NAME.inc.
set(POPAUG_D3 "" CACHE FILEPATH
  "d3.min.js of d3 version 5; empty: looked for where Debian's node-d3 puts it")
if(NOT POPAUG_D3)
  find_file(POPAUG_D3_FOUND d3.min.js NO_DEFAULT_PATH
    PATHS /usr/share/nodejs/d3/dist /usr/share/javascript/d3)
else()
  set(POPAUG_D3_FOUND "${POPAUG_D3}")
endif()

function(popaug_embed source name)
  set(text "")
  if(source AND EXISTS "${source}")
    file(READ "${source}" text)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  else()
    message(WARNING "${name} is missing: pages will lack what it does (for d3: install node-d3)")
  endif()
  set(target "${PROJECT_BINARY_DIR}/generated/popaug/report/${name}.inc")
  set(literal "R\"popaugpage(${text})popaugpage\"")
  popaug_write_if_changed("${target}" "${literal}")
endfunction()

foreach(page report.css report.js live.js)
  popaug_embed("${PROJECT_SOURCE_DIR}/popaug/report/page/${page}" ${page})
endforeach()
popaug_embed("${POPAUG_D3_FOUND}" d3.min.js)
