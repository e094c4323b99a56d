//! The wires of the whole accelerator.

use super::Top;
use rust_hdl::prelude::*;

impl Logic for Top {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, control, controller, memory_port, load, compute, vector, store);
        clock!(self, clock, activation, weight, post_parameters, vector_parameters);
        clock!(self, clock, post_tables, vector_tables);

        // The host.
        self.control.awvalid.next = self.s_axi_awvalid.val();
        self.s_axi_awready.next = self.control.awready.val();
        self.control.awaddr.next = self.s_axi_awaddr.val();
        self.control.wvalid.next = self.s_axi_wvalid.val();
        self.s_axi_wready.next = self.control.wready.val();
        self.control.wdata.next = self.s_axi_wdata.val();
        self.control.wstrb.next = self.s_axi_wstrb.val();
        self.s_axi_bvalid.next = self.control.bvalid.val();
        self.control.bready.next = self.s_axi_bready.val();
        self.control.arvalid.next = self.s_axi_arvalid.val();
        self.s_axi_arready.next = self.control.arready.val();
        self.control.araddr.next = self.s_axi_araddr.val();
        self.s_axi_rvalid.next = self.control.rvalid.val();
        self.control.rready.next = self.s_axi_rready.val();
        self.s_axi_rdata.next = self.control.rdata.val();
        self.trace_go.next = self.control.go.val();
        self.trace_finished.next = self.controller.finished.val();

        // What the counters see.
        self.control.finished.next = self.controller.finished.val();
        self.control.busy[0].next = self.load.busy.val();
        self.control.busy[1].next = self.compute.busy.val();
        // A command counts from the cycle of its start on.
        self.control.busy[2].next = self.vector.busy.val() | self.controller.start[2].val();
        self.control.busy[3].next = self.store.busy.val();
        for unit in 0..4 {
            self.control.token[unit].next = self.controller.token[unit].val();
            self.control.bank[unit].next = self.controller.bank[unit].val();
            self.trace_started[unit].next = self.controller.started[unit].val();
            self.trace_ended[unit].next = self.controller.ended[unit].val();
        }
        self.control.load_running.next = self.controller.running[0].val();
        self.control.store_running.next = self.controller.running[3].val();
        self.control.load_waits_memory.next = self.load.waits_memory.val();
        self.control.store_waits_memory.next = self.store.waits_memory.val();
        self.control.compute_waits_drain.next = self.compute.waits_drain.val();

        // How a run ends.
        self.control.bad_command.next = self.controller.error.val();
        self.control.no_end.next = self.controller.exhausted.val();
        self.control.bad_table.next = self.load.error.val();
        self.control.slave_error.next = self.memory_port.slave_error.val();
        self.control.decode_error.next = self.memory_port.decode_error.val();
        self.control.quiet.next = self.memory_port.quiet.val();
        self.memory_port.halt.next = self.control.halt.val();
        self.restart.next = self.control.restart.val();

        // Commands.
        self.controller.go.next = self.control.go.val();
        self.controller.command_address.next = self.control.command_address.val();
        self.controller.command_words.next = self.control.command_words.val();
        self.load.start.next = self.controller.start[0].val();
        self.compute.start.next = self.controller.start[1].val();
        self.vector.start.next = self.controller.start[2].val();
        self.store.start.next = self.controller.start[3].val();
        self.controller.ready[0].next = self.load.ready.val();
        self.controller.ready[1].next = self.compute.ready.val();
        self.controller.ready[2].next = self.vector.ready.val();
        self.controller.ready[3].next = self.store.ready.val();
        self.controller.done[0].next = self.load.done.val();
        self.controller.done[1].next = self.compute.done.val();
        self.controller.done[2].next = self.vector.done.val();
        self.controller.done[3].next = self.store.done.val();
        self.controller.fed.next = self.compute.fed.val();
        for r in 0..12 {
            self.load.registers[r].next = self.controller.load_registers[r].val();
            self.store.registers[r].next = self.controller.store_registers[r].val();
        }
        for r in 0..24 {
            self.compute.registers[r].next = self.controller.compute_registers[r].val();
            self.vector.registers[r].next = self.controller.vector_registers[r].val();
        }

        // External memory: who asks.
        self.memory_port.request[0].next = self.controller.request.val();
        self.memory_port.address[0].next = self.controller.address.val();
        self.memory_port.beats[0].next = self.controller.beats.val();
        self.controller.grant.next = self.memory_port.grant[0].val();
        self.memory_port.request[1].next = self.load.request.val();
        self.memory_port.address[1].next = self.load.address.val();
        self.memory_port.beats[1].next = self.load.beats.val();
        self.memory_port.load_table.next = self.load.load_table.val();
        self.load.grant.next = self.memory_port.grant[1].val();
        self.memory_port.request[2].next = self.store.request.val();
        self.memory_port.address[2].next = self.store.address.val();
        self.memory_port.beats[2].next = self.store.beats.val();
        self.store.grant.next = self.memory_port.grant[2].val();
        self.controller.fetch_beat.next = self.memory_port.fetch_beat.val();
        self.load.load_beat.next = self.memory_port.load_beat.val();
        self.load.table_beat.next = self.memory_port.table_beat.val();
        self.store.store_taken.next = self.memory_port.store_taken.val();
        self.store.store_response.next = self.memory_port.store_response.val();
        for w in 0..self._words {
            self.controller.beat[w].next = self.memory_port.beat[w].val();
            self.load.beat[w].next = self.memory_port.beat[w].val();
            self.memory_port.store_beat[w].next = self.store.store_beat[w].val();
            self.memory_port.rdata[w].next = self.m_axi_rdata[w].val();
            self.m_axi_wdata[w].next = self.memory_port.wdata[w].val();
        }

        // External memory: the bus.
        self.m_axi_arvalid.next = self.memory_port.arvalid.val();
        self.memory_port.arready.next = self.m_axi_arready.val();
        self.m_axi_araddr.next = self.memory_port.araddr.val();
        self.m_axi_arlen.next = self.memory_port.arlen.val();
        self.memory_port.rvalid.next = self.m_axi_rvalid.val();
        self.m_axi_rready.next = self.memory_port.rready.val();
        self.memory_port.rlast.next = self.m_axi_rlast.val();
        self.memory_port.rresp.next = self.m_axi_rresp.val();
        self.m_axi_awvalid.next = self.memory_port.awvalid.val();
        self.memory_port.awready.next = self.m_axi_awready.val();
        self.m_axi_awaddr.next = self.memory_port.awaddr.val();
        self.m_axi_awlen.next = self.memory_port.awlen.val();
        self.m_axi_wvalid.next = self.memory_port.wvalid.val();
        self.memory_port.wready.next = self.m_axi_wready.val();
        self.m_axi_wlast.next = self.memory_port.wlast.val();
        self.memory_port.bvalid.next = self.m_axi_bvalid.val();
        self.memory_port.bresp.next = self.m_axi_bresp.val();
        self.m_axi_bready.next = self.memory_port.bready.val();

        // Scratchpads: enables and addresses.
        self.activation.re[0].next = self.compute.activation_re.val();
        self.activation.raddr[0].next = self.compute.activation_raddr.val();
        self.activation.re[1].next = self.compute.residual_re.val();
        self.activation.raddr[1].next = self.compute.residual_raddr.val();
        self.activation.re[2].next = self.vector.re.val();
        self.activation.raddr[2].next = self.vector.raddr.val();
        self.activation.re[3].next = self.store.re.val();
        self.activation.raddr[3].next = self.store.raddr.val();
        self.activation.we[0].next = self.load.activation_we.val();
        self.activation.waddr[0].next = self.load.write_line.val();
        self.activation.we[1].next = self.compute.we.val();
        self.activation.waddr[1].next = self.compute.waddr.val();
        self.activation.we[2].next = self.vector.we.val();
        self.activation.waddr[2].next = self.vector.waddr.val();
        self.weight.re[0].next = self.compute.weight_re.val();
        self.weight.raddr[0].next = self.compute.weight_raddr.val();
        self.weight.re[1].next = self.vector.weight_re.val();
        self.weight.raddr[1].next = self.vector.weight_raddr.val();
        self.weight.we[0].next = self.load.weight_we.val();
        self.weight.waddr[0].next = self.load.write_line.val();
        self.weight.we[1].next = self.vector.weight_we.val();
        self.weight.waddr[1].next = self.vector.weight_waddr.val();

        // Lines.
        for b in 0..self._line {
            self.compute.activation_rdata[b].next = self.activation.rdata[b].val();
            self.compute.residual_rdata[b].next = self.activation.rdata[self._line + b].val();
            self.vector.rdata[b].next = self.activation.rdata[2 * self._line + b].val();
            self.store.rdata[b].next = self.activation.rdata[3 * self._line + b].val();
            self.compute.weight_rdata[b].next = self.weight.rdata[b].val();
            self.vector.weight_rdata[b].next = self.weight.rdata[self._line + b].val();
            self.activation.wdata[b].next = self.load.write_data[b].val();
            self.activation.wdata[self._line + b].next = self.compute.wdata[b].val();
            self.activation.wdata[2 * self._line + b].next = self.vector.wdata[b].val();
            self.weight.wdata[b].next = self.load.write_data[b].val();
            self.weight.wdata[self._line + b].next = self.vector.weight_wdata[b].val();
            self.post_parameters.wdata[b].next = self.load.write_data[b].val();
            self.vector_parameters.wdata[b].next = self.load.write_data[b].val();
            self.post_tables.wdata[b].next = self.load.write_data[b].val();
            self.vector_tables.wdata[b].next = self.load.write_data[b].val();
        }

        // Parameters and tables.
        self.post_parameters.we.next = self.load.post_parameter_we.val();
        self.post_parameters.waddr.next = self.load.write_line.val();
        self.post_parameters.re.next = self.compute.parameter_re.val();
        self.post_parameters.raddr.next = self.compute.parameter_raddr.val();
        self.compute.parameter_rdata.next = self.post_parameters.rdata[0].val();
        self.vector_parameters.we.next = self.load.vector_parameter_we.val();
        self.vector_parameters.waddr.next = self.load.write_line.val();
        self.vector_parameters.re.next = self.vector.parameter_re.val();
        self.vector_parameters.raddr.next = self.vector.parameter_raddr.val();
        self.post_tables.we.next = self.load.post_table_we.val();
        self.post_tables.waddr.next = self.load.write_line.val();
        self.post_tables.re.next = self.compute.table_re.val();
        self.vector_tables.we.next = self.load.vector_table_we.val();
        self.vector_tables.waddr.next = self.load.write_line.val();
        self.vector_tables.re.next = self.vector.table_re.val();
        for l in 0..self._post_lanes {
            self.post_tables.raddr[l].next = self.compute.table_raddr[l].val();
            self.compute.table_rdata[l].next = self.post_tables.rdata[l].val();
        }
        for l in 0..self._vector_lanes {
            self.vector.parameter_rdata[l].next = self.vector_parameters.rdata[l].val();
            self.vector_tables.raddr[l].next = self.vector.table_raddr[l].val();
            self.vector.table_rdata[l].next = self.vector_tables.rdata[l].val();
        }
    }
}
