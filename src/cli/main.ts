#!/usr/bin/env node
import { dismissEarly, startEarly } from './serve/early';

// Before anything else is loaded.
startEarly(process.argv.slice(2), process.env);
void import('./run.js').then(({ run }) => run()).finally(dismissEarly);
