#!/usr/bin/env node
import { createPlugin } from "create-mediatap/plugin";

createPlugin();
