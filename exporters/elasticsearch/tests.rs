mod cumulative;
mod deliveries;
mod layouts;
mod routes;
