"use strict";
edgeperf.start();
