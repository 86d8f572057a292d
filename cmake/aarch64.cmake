# Cross-building for arm64 on Debian, tests under emulation: CONTRIBUTING.md.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${triplet}/pkgconfig:/usr/share/pkgconfig)
# -R: a test that asks for more memory than there is must not get it
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -R 16G)
