# Included before project(): the name of the compiler in a build by pip.
#
# scikit-build-core sets CXX to the compiler that Python was built with ("g++"), while CMake alone
# takes "c++". They are usually one program, but ccache tells compilers apart by name, so a wheel
# would compile everything again that `make` has compiled. Where both names mean the same program,
# a wheel uses CMake's.
function(popaug_compiler_name language variable usual)
  if(DEFINED CMAKE_${language}_COMPILER OR NOT DEFINED ENV{${variable}})
    return()
  endif()
  find_program(given_${language} "$ENV{${variable}}" NO_CACHE)
  find_program(usual_${language} ${usual} NO_CACHE)
  if(NOT given_${language} OR NOT usual_${language})
    return()
  endif()
  file(REAL_PATH "${given_${language}}" given)
  file(REAL_PATH "${usual_${language}}" same)
  if(given STREQUAL same)
    set(CMAKE_${language}_COMPILER "${usual_${language}}" CACHE FILEPATH "The compiler")
  endif()
endfunction()

popaug_compiler_name(C CC cc)
popaug_compiler_name(CXX CXX c++)
