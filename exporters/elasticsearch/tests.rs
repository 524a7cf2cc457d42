mod deliveries;
mod layouts;
mod routes;
