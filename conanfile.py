# SPDX-License-Identifier: MIT
from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

import os


class StrataConan(ConanFile):
    name = "strata"
    version = "0.1.0"
    license = "MIT"
    description = "Adaptive self-improvement learning for languages with almost no examples"
    topics = ("llm", "program-synthesis", "self-improvement", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"step": [True, False], "llm": [True, False], "store": [True, False]}
    default_options = {"step": False, "llm": False, "store": False}
    exports_sources = ("CMakeLists.txt", "strataConfig.cmake.in", "include/*", "source/*", "data/*", "step/*", "tasks/*",
                       "LICENSE")
    no_copy_source = True

    def requirements(self):
        if self.options.step or self.options.llm:
            self.requires("yaml-cpp/[>=0.7 <1]", transitive_headers=True)
            self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        if self.options.llm:
            self.requires("openssl/[>=3 <4]", transitive_headers=True)
        if self.options.store:
            self.requires("sqlite3/[>=3.40 <4]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["STRATA_BUILD_STEP"] = bool(self.options.step)
        toolchain.cache_variables["STRATA_BUILD_LLM"] = bool(self.options.llm)
        toolchain.cache_variables["STRATA_BUILD_STORE"] = bool(self.options.store)
        for part in ("COMMAND", "TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"STRATA_BUILD_{part}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "strata")
        core = self.cpp_info.components["core"]
        core.set_property("cmake_target_name", "strata::core")
        core.bindirs, core.libdirs = [], []
        if self.options.step:
            step = self.cpp_info.components["step"]
            step.set_property("cmake_target_name", "strata::step")
            step.requires = ["core", "yaml-cpp::yaml-cpp", "boost::headers"]
            step.libdirs = []
        if self.options.llm:
            llm = self.cpp_info.components["llm"]
            llm.set_property("cmake_target_name", "strata::llm")
            llm.requires = ["core", "boost::headers", "boost::json", "openssl::openssl", "yaml-cpp::yaml-cpp"]
            llm.libdirs = []
        if self.options.store:
            store = self.cpp_info.components["store"]
            store.set_property("cmake_target_name", "strata::store")
            store.requires = ["core", "sqlite3::sqlite3"]
            store.libdirs = []

    def package_id(self):
        self.info.clear()
