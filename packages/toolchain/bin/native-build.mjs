#!/usr/bin/env node
// @ts-check
// Builds the package in the current folder: native-build [--sanitize address,undefined | --valgrind]
import { build, variantFromArguments } from '../src/native.mjs';

build(variantFromArguments());
