// SPDX-License-Identifier: MIT
// A plugin for image_test.cpp, built in versions that answer differently.

extern "C" int brigade_test_plugin_answer();

extern "C" int brigade_test_plugin_answer() { return BRIGADE_TEST_PLUGIN_ANSWER; }
