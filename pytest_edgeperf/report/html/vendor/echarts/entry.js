// What is in echarts.min.js: only what the reports draw.
import * as core from "echarts/core";
import {BarChart, CustomChart, LineChart, ScatterChart} from "echarts/charts";
import {AriaComponent, GridComponent, LegendComponent, LegendScrollComponent, MarkAreaComponent, MarkLineComponent,
  MarkPointComponent, TooltipComponent} from "echarts/components";
import {LabelLayout} from "echarts/features";
import {SVGRenderer} from "echarts/renderers";

core.use([AriaComponent, BarChart, CustomChart, GridComponent, LabelLayout, LegendComponent,
  LegendScrollComponent, LineChart, MarkAreaComponent, MarkLineComponent, MarkPointComponent, ScatterChart, SVGRenderer,
  TooltipComponent]);

export const {connect, graphic, init, version} = core;
